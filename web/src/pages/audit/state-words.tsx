// A channel's state in words, part by part, so that two states can be compared part by part.

import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Schemas } from "../../api/client";
import { Moment } from "../../design/parts";
import { changeWords, ref, short } from "../../words/events";
import { interval, lasting, moment } from "../../words/time";
import { causeWords, kindWords, unwatchedWords } from "../../words/words";

type ChannelState = Schemas["ChannelState"];

export type Part =
  | "session"
  | "coverage"
  | "cadence"
  | "warnings"
  | "enforcements"
  | "windows"
  | "cooldowns"
  | "reference"
  | "ledger"
  | "shadow";

export const PARTS: readonly { part: Part; name: string }[] = [
  { part: "session", name: "Broadcast" },
  { part: "coverage", name: "Watched" },
  { part: "cadence", name: "Cadence" },
  { part: "warnings", name: "Warnings" },
  { part: "enforcements", name: "Stops under way" },
  { part: "windows", name: "Windows of rules" },
  { part: "cooldowns", name: "Quiet rules" },
  { part: "reference", name: "Compared with" },
  { part: "ledger", name: "Remembered" },
  { part: "shadow", name: "Shadow" },
];

/** Lines, each with where it leads; none: `nothing` says so. */
export interface Lines {
  nothing: string;
  lines: readonly { key: string; text: ReactNode }[];
}

export function Said({ of: { nothing, lines } }: { of: Lines }) {
  if (lines.length === 0) return <p className="muted">{nothing}</p>;
  return (
    <ul>
      {lines.map((line) => (
        <li key={line.key}>{line.text}</li>
      ))}
    </ul>
  );
}

const ROUSED: Record<Schemas["Rousing"], string> = {
  hit: "a rule was hit",
  upheld: "a warning was upheld",
  stopped: "it was stopped",
  reconnected: "it came back soon after a stop",
  near_miss: "a label came near a threshold",
  began: "a broadcast began",
  viewers_rose: "many more people came to watch",
};

export function partsOf(state: ChannelState): Record<Part, Lines> {
  return {
    session: one("Off the air.", state.session, (session) => (
      <>
        On the air since <Moment at={session.since} />: <span className="mono">{session.id}</span>
      </>
    )),
    coverage: { nothing: "Nobody has to look: it is off the air.", lines: coverageLines(state) },
    cadence: { nothing: "No cadence yet.", lines: cadenceLines(state) },
    warnings: {
      nothing: "None.",
      lines: state.warnings.map((warning) => ({ key: warning.id, text: <WarningLine warning={warning} /> })),
    },
    enforcements: {
      nothing: "None.",
      lines: state.enforcements.map((it) => ({
        key: it.id,
        text: (
          <>
            {kindWords(it.kind)} <span className="mono">{short(it.id)}</span>, {stageText(it.stage)}, asked for at{" "}
            <Moment at={it.requested_at} />
          </>
        ),
      })),
    },
    windows: { nothing: "No rule has a hit.", lines: windowLines(state.windows) },
    cooldowns: { nothing: "None.", lines: cooldownLines(state.cooldowns) },
    reference: one("No frame to compare with.", state.reference, (reference) => (
      <>
        <Link href={`/decisions/${reference.frame}`}>
          frame <span className="mono">{short(reference.frame)}</span>
        </Link>{" "}
        of <Moment at={reference.captured_at} />, assessed at #{reference.sequence}
      </>
    )),
    ledger: { nothing: "Nothing.", lines: ledgerLines(state.ledger) },
    shadow: one("No policy in shadow has hit anything.", state.shadow, (shadow) => (
      <>
        {ref(shadow.policy)}: {shadow.windows.length} windows, {shadow.warnings.length} warnings that it would have
        raised
      </>
    )),
  };
}

/** Which parts are said otherwise in `after`. */
export function changedParts(before: ChannelState, after: ChannelState): Part[] {
  const of: Record<Part, (state: ChannelState) => unknown> = {
    session: (state) => state.session,
    coverage: (state) => kindOfCoverage(state.coverage),
    cadence: (state) => [state.pace, state.pace_because, state.alarmed, state.stirred],
    warnings: (state) => state.warnings,
    enforcements: (state) => state.enforcements,
    windows: (state) => state.windows,
    cooldowns: (state) => state.cooldowns,
    reference: (state) => state.reference,
    ledger: (state) => [state.ledger.adjusted, state.ledger.findings],
    shadow: (state) => state.shadow,
  };
  return PARTS.map(({ part }) => part).filter(
    (part) => JSON.stringify(of[part](before) ?? null) !== JSON.stringify(of[part](after) ?? null),
  );
}

/** Each frame moves the beginning of the watched span: that is no change worth a mark. */
function kindOfCoverage(coverage: ChannelState["coverage"]): unknown {
  return typeof coverage === "object" && "watched" in coverage ? "watched" : coverage;
}

function one<T>(nothing: string, it: T | null | undefined, text: (it: T) => ReactNode): Lines {
  return { nothing, lines: it == null ? [] : [{ key: "one", text: text(it) }] };
}

function coverageLines({ coverage }: ChannelState): Lines["lines"] {
  if (typeof coverage === "string") return [];
  if ("watched" in coverage)
    return [
      {
        key: "watched",
        text: (
          <>
            Watched; last looked at by the frame of <Moment at={coverage.watched.from} />
          </>
        ),
      },
    ];
  return [
    {
      key: "unwatched",
      text: (
        <>
          <strong>Unwatched</strong> since <Moment at={coverage.unwatched.since} />:{" "}
          {unwatchedWords(coverage.unwatched.because)}
        </>
      ),
    },
  ];
}

function cadenceLines({ pace, pace_because, pace_since, alarmed, stirred }: ChannelState): Lines["lines"] {
  const lines: { key: string; text: ReactNode }[] = [];
  if (pace) {
    const [{ interval_ms, tolerance_ms }, policy] = pace;
    lines.push({
      key: "pace",
      text: `every ${interval(interval_ms)}${pace_because ? `, because ${causeWords(pace_because)}` : ""}${
        pace_since ? `, since ${moment(pace_since)}` : ""
      }; ${interval(tolerance_ms)} early at most; ${ref(policy)}`,
    });
  }
  if (alarmed) lines.push({ key: "alarmed", text: `closest watch: ${ROUSED[alarmed.by]}, ${moment(alarmed.at)}` });
  if (stirred && stirred.at !== alarmed?.at)
    lines.push({ key: "stirred", text: `closer watch: ${ROUSED[stirred.by]}, ${moment(stirred.at)}` });
  return lines;
}

function WarningLine({ warning }: { warning: Schemas["Warning"] }) {
  const { answer, claim } = warning;
  return (
    <>
      <Link href={`/queue/${warning.id}`}>
        {warning.rule} <span className="mono">{short(warning.id)}</span>
      </Link>
      , severity {warning.severity}, raised at <Moment at={warning.raised_at} />
      {answer
        ? `; ${answer.upheld ? "upheld" : "dismissed"} by ${answer.by}, may be taken back until ${moment(answer.undo_until)}`
        : claim
          ? `; claimed by ${claim.by} until ${moment(claim.until)}`
          : "; open"}
    </>
  );
}

function stageText(stage: Schemas["EnforcementStage"]): string {
  if (typeof stage === "string")
    return { requested: "asked for", held: "held: a person is asked", admitted: "may go ahead" }[stage];
  return "attempted" in stage ? `attempt ${stage.attempted} under way` : "accepted, being verified";
}

function windowLines(windows: readonly Schemas["RuleWindow"][]): Lines["lines"] {
  return windows.map((window) => {
    const hits = window.hits_at.length;
    const last = window.hits_at.at(-1);
    return {
      key: window.rule,
      text: (
        <>
          <strong>{window.rule}</strong>: {hits} {hits === 1 ? "hit" : "hits"}
          {last && (
            <>
              , last <Moment at={last} />
            </>
          )}
          <Recent bits={window.recent} />
        </>
      ),
    };
  });
}

const RECENT = 12;

/** The last assessed frames, oldest first: a full dot is a hit. */
function Recent({ bits }: { bits: number }) {
  const hits = Array.from({ length: RECENT }, (_, at) => ((bits >>> (RECENT - 1 - at)) & 1) === 1);
  return (
    <span
      className="time-recent"
      role="img"
      aria-label={`${hits.filter(Boolean).length} of the last ${RECENT} assessed frames hit it`}
    >
      {hits.map((hit, at) => (
        <span key={at} data-full={hit || undefined} />
      ))}
    </span>
  );
}

function cooldownLines(cooldowns: readonly Schemas["Cooldown"][]): Lines["lines"] {
  return cooldowns.map((cooldown) => ({
    key: cooldown.warning,
    text: (
      <>
        <strong>{cooldown.rule}</strong> raises nothing until <Moment at={cooldown.until} />
        {cooldown.session ? " in this broadcast" : ""}
      </>
    ),
  }));
}

function ledgerLines({ days, findings, adjusted }: Schemas["Ledger"]): Lines["lines"] {
  const lines: { key: string; text: ReactNode }[] = [];
  const sum = (of: (day: Schemas["Day"]) => number) => days.reduce((all, day) => all + of(day), 0);
  if (days.length)
    lines.push({
      key: "days",
      text: `${count(
        sum((day) => day.sessions),
        "broadcast",
      )} on ${count(days.length, "day")}, watched for ${lasting(
        sum((day) => day.watched_ms),
      )}, of that clean ${lasting(sum((day) => day.clean_ms))}`,
    });
  if (findings.length) {
    const upheld = findings.filter((finding) => finding.upheld).length;
    lines.push({
      key: "findings",
      text: `${count(upheld, "warning")} upheld, ${findings.length - upheld} dismissed`,
    });
  }
  if (adjusted)
    lines.push({
      key: "adjusted",
      text: `reputation ${changeWords(adjusted.change)} by ${adjusted.by}${
        adjusted.until ? ` until ${moment(adjusted.until)}` : ""
      }`,
    });
  return lines;
}

function count(many: number, what: string): string {
  return `${many} ${many === 1 ? what : `${what}s`}`;
}
