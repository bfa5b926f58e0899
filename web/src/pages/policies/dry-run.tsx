// What a text would have made of the last hours, against what was recorded and what people answered; and what of that
// nobody can know.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { Loaded, Moment, Wide } from "../../design/parts";
import { interval } from "../../words/time";
import { labelWords } from "../../words/words";
import { type DryRun, tryOut } from "./policies";

const HOURS = [1, 6, 24, 168] as const;

export function DryRunPanel({ text }: { text: string }) {
  const [hours, setHours] = useState<number>(24);
  const query = useQuery({
    queryKey: ["dry-run", text, hours],
    queryFn: () => tryOut(text, hours),
    staleTime: 60_000,
    retry: false,
    refetchOnWindowFocus: false,
  });
  return (
    <section className="card stack" aria-labelledby="policy-dry-run">
      <div className="row">
        <h2 id="policy-dry-run">On the past</h2>
        <label className="row">
          <span className="muted">the last</span>
          <select
            className="text policy-hours"
            value={hours}
            onChange={(event) => setHours(Number(event.target.value))}
          >
            {HOURS.map((hours) => (
              <option key={hours} value={hours}>
                {hours === 168 ? "7 days" : hours === 1 ? "hour" : `${hours} hours`}
              </option>
            ))}
          </select>
        </label>
        {query.isFetching && (
          <span className="muted" role="status">
            Judging again…
          </span>
        )}
      </div>
      <Loaded query={query} what="The trial">
        {(run) => <Tried run={run} />}
      </Loaded>
    </section>
  );
}

function Tried({ run }: { run: DryRun }) {
  if (run.judged === 0)
    return (
      <p className="empty">
        In this time nothing was judged on a channel that this policy would watch: there is nothing to try it on.
      </p>
    );
  return (
    <div className="stack">
      <p>
        {run.judged.toLocaleString("en")} answers of {run.channels} {run.channels === 1 ? "channel" : "channels"}
        {run.recorded_from && (
          <>
            {" "}
            since <Moment at={run.recorded_from} />
          </>
        )}{" "}
        were judged again. <strong>{run.differing.toLocaleString("en")} decisions</strong> would have been others.
        {run.cut && " There was more than one trial reads: only its newest part was."}
      </p>
      <Wide label="What would have changed">
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col" className="n">
                Warnings
              </th>
              <th scope="col" className="n">
                Stops by itself
              </th>
              <th scope="col" className="n">
                Upheld of answered
              </th>
            </tr>
          </thead>
          <tbody>
            {run.rules.map((rule) => (
              <tr key={rule.rule}>
                <th scope="row">{rule.rule}</th>
                <Change from={rule.recorded.warnings} to={rule.proposed.warnings} />
                <Change from={rule.recorded.stops} to={rule.proposed.stops} />
                <td className="n">
                  {upheld(rule.answers_recorded)} → {upheld(rule.answers_proposed)}
                </td>
              </tr>
            ))}
            <tr>
              <th scope="row">All</th>
              <Change from={run.total.recorded.warnings} to={run.total.proposed.warnings} />
              <Change from={run.total.recorded.stops} to={run.total.proposed.stops} />
              <td className="n">
                {upheld(run.truth.recorded)} → {upheld(run.truth.proposed)}
              </td>
            </tr>
          </tbody>
        </table>
      </Wide>
      <ul className="policy-says">
        <li>
          Of {run.truth.recorded.upheld} warnings that people upheld, {run.truth.upheld_found} would have been raised
          too
          {run.truth.upheld_lost > 0 && (
            <>
              , <strong>{run.truth.upheld_lost} certainly not</strong>
            </>
          )}
          {run.truth.upheld_unknowable > 0 && `, of ${run.truth.upheld_unknowable} nobody can know`}.
        </li>
        <li>
          Of {run.truth.recorded.dismissed} that people dismissed, {run.truth.dismissed_spared} would have been spared.
        </li>
        <li>
          Calls:{" "}
          {run.calls.proposed == null
            ? `${run.calls.recorded} were made; the recording is too sparse to say how many it would have been`
            : `${run.calls.recorded} → ${run.calls.proposed} (${dollars(run.calls.recorded_micros)} → ${
                run.calls.proposed_micros == null ? "?" : dollars(run.calls.proposed_micros)
              })`}
          .
        </li>
        {run.to_warning.in_both > 0 && (
          <li>
            Upheld warnings would have come {shift(run.to_warning.median_ms)} at the median ({run.to_warning.sooner}{" "}
            sooner, {run.to_warning.later} later).
          </li>
        )}
        {run.after_stop.sessions > 0 && (
          <li>
            {run.after_stop.sessions} broadcasts would have been stopped and go on in the recording:{" "}
            {run.after_stop.warnings} warnings after that are not counted as gained.
          </li>
        )}
      </ul>
      <Episodes title="Warnings gained" episodes={run.gained} />
      <Episodes title="Warnings lost" episodes={run.lost} />
      <Differences run={run} />
      <Unknowable run={run} />
    </div>
  );
}

function Change({ from, to }: { from: number; to: number }) {
  return (
    <td className="n">
      {from} → <strong>{to}</strong>
      {to !== from && <span className="muted"> ({to > from ? `+${to - from}` : `−${from - to}`})</span>}
    </td>
  );
}

function upheld({ upheld, dismissed }: { upheld: number; dismissed: number }): string {
  return upheld + dismissed === 0 ? "none answered" : `${upheld} of ${upheld + dismissed}`;
}

function dollars(micros: number): string {
  return `$${(micros / 1e6).toFixed(2)}`;
}

function shift(ms: number | null | undefined): string {
  if (ms == null) return "at a time not known";
  return ms === 0 ? "as soon" : ms < 0 ? `${interval(-ms)} sooner` : `${interval(ms)} later`;
}

function Episodes({ title, episodes }: { title: string; episodes: DryRun["gained"] }) {
  if (episodes.count === 0) return null;
  return (
    <details>
      <summary>
        {title}: {episodes.count}
      </summary>
      <ul className="policy-list">
        {episodes.shown.map((episode) => (
          <li key={`${episode.position} ${episode.rule}`}>
            <Moment at={episode.captured_at} /> <Link href={`/decisions/${episode.frame}`}>{episode.channel}</Link>,{" "}
            {episode.rule}
            {episode.label && `, ${labelWords(episode.label[0])} ${episode.label[1].toFixed(1)} %`},{" "}
            <strong>{episode.answer}</strong>
          </li>
        ))}
      </ul>
      {episodes.count > episodes.shown.length && (
        <p className="muted">{episodes.count - episodes.shown.length} more are not shown.</p>
      )}
    </details>
  );
}

const PASSED: Record<string, string> = {
  too_soon: "not asked: before it was due",
  similar: "not asked: as before",
  stale: "not asked: too late",
};

function Differences({ run }: { run: DryRun }) {
  if (run.differences.length === 0) return null;
  return (
    <details>
      <summary>
        Decisions that would have been others: {run.differing}
        {run.differing > run.differences.length && `, the first ${run.differences.length}`}
      </summary>
      <ul className="policy-list">
        {run.differences.map((it) => (
          <li key={it.position}>
            <Moment at={it.captured_at} /> <Link href={`/decisions/${it.frame}`}>{it.channel}</Link>:{" "}
            {it.recorded.verdict ?? "not judged"} →{" "}
            <strong>{it.proposed.verdict ?? PASSED[it.proposed.skipped ?? ""] ?? "not known"}</strong>
            {it.proposed.rules.length > 0 && ` by ${it.proposed.rules.join(", ")}`}
          </li>
        ))}
      </ul>
    </details>
  );
}

const UNKNOWN: Record<string, string> = {
  similar_then: "passed over then because they were as before; it would have asked about them",
  too_soon_then: "not due then; it would have asked about them",
  crowded_out: "dropped then for want of room",
  passed_over: "passed over then for the budget of calls",
  failed: "failed then",
  likeness: "how like they were to what it would have compared them with is not recorded",
  no_hash: "never fetched, so that their likeness is not known",
  below_floor: "the provider was not asked for labels as weak as it watches for",
  other_taxonomy: "the answers are in another taxonomy",
  not_asked: "another provider would have been asked",
  answer_gone: "the answers are gone",
};

function Unknowable({ run }: { run: DryRun }) {
  const all = run.unknowable.reduce((sum, it) => sum + it.count, 0);
  return (
    <section className="stack tight">
      <h3>What nobody can know</h3>
      {all === 0 ? (
        <p className="muted">Nothing: of every frame it is known what it would have been.</p>
      ) : (
        <ul className="policy-says">
          {run.unknowable.map((it) => (
            <li key={it.kind}>
              {it.count} {it.count === 1 ? "frame" : "frames"}: {UNKNOWN[it.kind] ?? it.kind}
            </li>
          ))}
        </ul>
      )}
      {!run.density.enough && (
        <p className="note" data-tone="warn">
          The recording looked less often than this policy asks for: what happened in between is in no recording.
        </p>
      )}
    </section>
  );
}
