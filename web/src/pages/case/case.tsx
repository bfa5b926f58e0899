// One warning, with all that a moderator needs to decide, and what they can do about it.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { answered, api, type Schemas } from "../../api/client";
import { Icon } from "../../design/icons";
import { Badge, Failed, Moment, Waiting } from "../../design/parts";
import { useNow, useWarning } from "../../live/live";
import type { WarningRow } from "../../live/store";
import { useMay, useWho } from "../../session/session";
import { counting, lasting } from "../../words/time";
import { asksWords, cadenceWords, labelWords, MEDIA, severityTone, unavailableWords } from "../../words/words";
import { Actions } from "./actions";
import { useChannelNow } from "./channel-now";
import { Frames } from "./frames";
import { History } from "./history";
import { Notes } from "./notes";
import { Progress } from "./progress";
import { WhyOfFrame } from "./why-of-frame";
import "./case.css";

type Story = Schemas["OneWarning"];

interface CaseProps {
  id: string;
  /** An answer was given: the list may go on. */
  onAnswered: (id: string) => void;
}

export function Case({ id, onAnswered }: CaseProps) {
  const live = useWarning(id);
  const story = useQuery({
    queryKey: ["warning", id, live?.version ?? 0, live?.standing ?? "gone"],
    queryFn: () => answered(api.GET("/v1/warnings/{warning}", { params: { path: { warning: id } } })),
    placeholderData: (before) => (before?.warning === id ? before : undefined),
  });
  const row: WarningRow | undefined = live ?? story.data;
  if (!row) {
    if (story.error)
      return <Failed what="This warning could not be had." error={story.error} again={() => void story.refetch()} />;
    return <Waiting what="Asking for the case" />;
  }
  return <CaseOf key={id} row={row} story={story.data} failure={story.error} onAnswered={onAnswered} />;
}

interface CaseOfProps {
  row: WarningRow;
  story: Story | undefined;
  failure: unknown;
  onAnswered: (id: string) => void;
}

function CaseOf({ row, story, failure, onAnswered }: CaseOfProps) {
  const [frame, setFrame] = useState(row.frame);
  const may = useMay();
  const seen = useSeen(row);
  return (
    <article
      className="case is-live"
      aria-label={`Case: ${row.rule} on ${row.channel}`}
      data-warning={row.warning}
      data-fresh={seen.isFresh}
    >
      <Head row={row} />
      {failure !== null && <Failed what="The story of this case could not be brought up to date." error={failure} />}
      <Actions row={row} seen={seen} frame={frame} onAnswered={onAnswered} />
      {row.enforcement && (
        <Progress enforcement={row.enforcement.enforcement} led={row.enforcement} channel={row.channel} />
      )}
      <div className="case-body">
        <div className="stack">
          <Frames row={row} frame={frame} onFrame={setFrame} pictures={may("read_evidence", row.channel)} />
          <WhyOfFrame frame={frame} />
        </div>
        <div className="stack">
          <ChannelNow channel={row.channel} />
          <Notes story={story} />
          <History channel={row.channel} but={row.warning} />
        </div>
      </div>
    </article>
  );
}

/** Which version of the warning was on the screen long enough to have been read; and what changed just now. */
export interface Seen {
  version: number;
  /** It changed so short a time ago that a key pressed now was meant for what was there before. */
  isFresh: boolean;
  changed: boolean;
  acknowledge: () => void;
  /** A version that an act of one's own made. */
  mine: (version: number) => void;
}

/** Nobody reads and decides faster; also what was meant for the case before reaches this one within that time. */
const READ_MS = 800;

function useSeen(row: WarningRow): Seen {
  const [known, setKnown] = useState(row.version);
  // A case that was opened just now is as new to the reader as one that changed.
  const [isFresh, setFresh] = useState(true);
  const own = useRef(0);
  const shown = useRef(row.version);
  // Before it is drawn: no key finds the new version without its time to be read.
  useLayoutEffect(() => {
    shown.current = row.version;
    if (own.current >= row.version) {
      setKnown(row.version);
      setFresh(false);
      return;
    }
    setFresh(true);
    const timer = setTimeout(() => setFresh(false), READ_MS);
    return () => clearTimeout(timer);
  }, [row.version]);
  return {
    version: row.version,
    isFresh,
    changed: known !== row.version,
    acknowledge: () => setKnown(row.version),
    mine: (version) => {
      own.current = Math.max(own.current, version);
      // The feed may have been faster than the answer to the act.
      if (shown.current <= version) setFresh(false);
      setKnown((known) => Math.max(known, version));
    },
  };
}

function Head({ row }: { row: WarningRow }) {
  const { caller } = useWho();
  const title = useRef<HTMLHeadingElement>(null);
  // Said aloud, and where reading goes on: the case may have been opened by an answer to the one before.
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return (
    <header className="case-head">
      <div className="row">
        <h1 ref={title} tabIndex={-1}>
          <Link href={`/channels/${encodeURIComponent(row.channel)}`}>{row.channel}</Link>
        </h1>
        <Badge tone={severityTone(row.severity)}>severity {row.severity}</Badge>
        <Badge tone="quiet">{MEDIA[row.medium]}</Badge>
        <Standing row={row} me={caller.id} />
        <DueClock row={row} />
      </div>
      <p className="case-what">
        <strong>{row.decided_by ? `${row.decided_by.action}, decided by ${row.decided_by.by}` : row.rule}</strong>
        {row.label && (
          <>
            : {labelWords(row.label)} <span className="number">{row.confidence?.toFixed(1)} %</span>
          </>
        )}
        {row.hits > 1 && <span className="muted"> · {row.hits} hits</span>}
        <span className="muted">
          {" "}
          · {row.medium === "sound" ? "heard" : "seen"} <Moment at={row.captured_at} /> · warned{" "}
          <Moment at={row.raised_at} /> · {row.policy.id}@{row.policy.version}
        </span>
      </p>
      {row.unavailable && (
        <p className="note" data-tone="broken">
          {unavailableWords(row.medium)}
        </p>
      )}
      {row.asks && (
        <p className="note" data-tone="warn">
          {row.decided_by ? "This decision" : "The rule"} would stop by itself; it asks you because{" "}
          {asksWords(row.asks)}.
        </p>
      )}
    </header>
  );
}

export function Standing({ row, me }: { row: WarningRow; me: string }) {
  const now = useNow();
  if (row.answer) {
    return (
      <Badge tone={row.answer.upheld ? "grave" : "calm"} icon="tick">
        {row.answer.upheld ? "upheld" : "dismissed"} by {row.answer.by === me ? "you" : row.answer.by}
      </Badge>
    );
  }
  if (row.lapsed) return <Badge tone="quiet">lapsed</Badge>;
  if (!row.claim || Date.parse(row.claim.until) <= now)
    return (
      <Badge tone="warn" icon="hand">
        nobody has it
      </Badge>
    );
  const left = counting(Date.parse(row.claim.until) - now);
  const mine = row.claim.by === me;
  return (
    <Badge
      tone={mine ? "calm" : "quiet"}
      icon="hand"
      title={`Claimed until ${new Date(row.claim.until).toLocaleTimeString()}.`}
    >
      {mine ? "yours" : row.claim.by} <span className="number">{left}</span>
    </Badge>
  );
}

/** Against the time by which a warning of its severity should be answered. */
export function DueClock({ row }: { row: WarningRow }) {
  const now = useNow();
  if (row.answer || row.lapsed) return null;
  const left = Date.parse(row.due_at) - now;
  const late = left < 0;
  return (
    <span
      className="due number"
      data-tone={late ? "grave" : left < 60_000 ? "warn" : "quiet"}
      role="timer"
      aria-live="off"
    >
      <Icon name={late ? "octagon" : "clock"} />
      {late ? `overdue ${counting(-left)}` : `due in ${counting(left)}`}
    </span>
  );
}

/** The channel as it is this second, beside a picture that is of some time ago. */
function ChannelNow({ channel }: { channel: string }) {
  const { row } = useChannelNow(channel);
  const now = useNow();
  const reputation = useQuery({
    queryKey: ["reputation", channel],
    queryFn: () => answered(api.GET("/v1/channels/{channel}/reputation", { params: { path: { channel } } })),
    staleTime: 30_000,
  });
  return (
    <section className="card">
      <h2>The channel now</h2>
      <dl className="facts">
        <dt>Broadcast</dt>
        <dd>
          {!row
            ? "not known"
            : row.session
              ? `on the air for ${lasting(now - Date.parse(row.session.since))}`
              : "off the air"}
        </dd>
        <dt>Last frame</dt>
        <dd>{row?.last_frame ? `${lasting(now - Date.parse(row.last_frame.captured_at))} ago` : "none"}</dd>
        <dt>Looked at</dt>
        <dd>{cadenceWords(row?.cadence)}</dd>
        <dt>Answered before</dt>
        <dd className="number">
          {row
            ? `${row.counts.upheld} upheld, ${row.counts.dismissed} dismissed of ${row.counts.warnings}`
            : "not known"}
        </dd>
        <dt>Reputation</dt>
        <dd>
          {reputation.data ? (
            <details>
              <summary>{reputation.data.explanation[0]}</summary>
              <ul>
                {reputation.data.explanation.slice(1).map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
            </details>
          ) : reputation.error ? (
            "could not be had"
          ) : (
            "…"
          )}
        </dd>
      </dl>
    </section>
  );
}
