// The node in figures: what waits, how soon it was answered, what rules found and what people said to it, what was not
// watched, and what it cost. Each figure stands with the number that it rests on.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { answered, api, Refused } from "../../api/client";
import { type Bar, TimeBars } from "../../charts/bars";
import { Chart, LegendKey } from "../../charts/chart";
import { Badge, Button, Loaded, Moment, Wide } from "../../design/parts";
import { lasting } from "../../words/time";
import { severityTone, type Tone } from "../../words/words";
import { ageBands, autoShare, count, dollars, type Overview, percent, share, took } from "./figures";
import "./overview.css";

const RANGES = [1, 6, 24, 168] as const;
const ASK_MS = 10_000;
const HEIGHT = 150;
const HOUR_MS = 3_600_000;

export default function OverviewPage() {
  const [search, setSearch] = useSearchParams();
  const hours = RANGES.find((hours) => String(hours) === search.get("hours")) ?? 24;
  const query = useQuery({
    queryKey: ["overview", hours],
    queryFn: () => answered(api.GET("/v1/overview", { params: { query: { hours } } })) as Promise<Overview>,
    refetchInterval: ASK_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="overview">
      <div className="page-head">
        <h1>Overview</h1>
        <fieldset className="row overview-ranges">
          <legend className="unseen">How far back</legend>
          {RANGES.map((range) => (
            <Button
              key={range}
              look={range === hours ? "main" : undefined}
              aria-pressed={range === hours}
              onPress={() => setSearch({ hours: String(range) }, { replace: true })}
            >
              {range === 168 ? "7 d" : `${range} h`}
            </Button>
          ))}
        </fieldset>
        <span className="spacer" />
        {query.data && (
          <span className="muted">
            since <Moment at={query.data.from} />, as of <Moment at={query.data.now} />
          </span>
        )}
      </div>
      {query.error instanceof Refused && query.error.status === 403 ? (
        <p className="empty">
          These figures are of all channels together, and your role is for some of them only. {query.error.message}
        </p>
      ) : (
        <Loaded query={query} what="The figures">
          {(overview) => <Figures overview={overview} />}
        </Loaded>
      )}
    </div>
  );
}

function Figures({ overview }: { overview: Overview }) {
  return (
    <>
      <Heads overview={overview} />
      <div className="overview-grid">
        <Waiting overview={overview} />
        <Answers overview={overview} />
        <Frames overview={overview} />
        <Unwatched overview={overview} />
      </div>
      <Rules overview={overview} />
      <div className="overview-grid">
        <Stops overview={overview} />
        <Providers overview={overview} />
      </div>
    </>
  );
}

interface HeadProps {
  name: string;
  value: ReactNode;
  tone?: Tone;
  /** What the value rests on. */
  of: ReactNode;
}

function Head({ name, value, tone, of }: HeadProps) {
  return (
    <div className="card overview-head" data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        <strong className="number">{value}</strong>
        <span className="muted">{of}</span>
      </dd>
    </div>
  );
}

function Heads({ overview: { open, answered_in, stops, channels, rules } }: { overview: Overview }) {
  const answers = rules.reduce((sum, rule) => sum + rule.answered, 0);
  const upheld = rules.reduce((sum, rule) => sum + rule.upheld, 0);
  return (
    <dl className="overview-heads">
      <Head
        name="Open warnings"
        value={count(open.count)}
        tone={open.past_due > 0 ? "grave" : undefined}
        of={
          open.past_due > 0 ? (
            <Badge tone="grave" icon="clock">
              {count(open.past_due)} past due
            </Badge>
          ) : (
            "none past due"
          )
        }
      />
      <Head
        name="Time to a decision"
        value={took(answered_in.median_ms)}
        of={
          answered_in.count === 0
            ? "nothing answered"
            : `median of ${count(answered_in.count)}; p95 ${took(answered_in.p95_ms)}`
        }
      />
      <Head
        name="Upheld"
        value={answers === 0 ? "–" : percent((100 * upheld) / answers)}
        of={answers === 0 ? "nothing answered" : `${count(upheld)} of ${count(answers)} answered`}
      />
      <Head name="Stopped without a person" value={count(stops.automatic.requested)} of={autoShare(stops)} />
      <Head
        name="Live channels watched"
        value={`${count(channels.watched)} of ${count(channels.live)}`}
        tone={channels.unwatched > 0 ? "broken" : undefined}
        of={
          channels.unwatched > 0 ? (
            <Link href="/wall?only=unwatched">
              <Badge tone="broken" icon="blind">
                {count(channels.unwatched)} unwatched now
              </Badge>
            </Link>
          ) : (
            "none unwatched"
          )
        }
      />
      <Head
        name="Unwatched in all"
        value={lasting(channels.unwatched_ms)}
        of={`of ${count(channels.known)} channels known`}
      />
    </dl>
  );
}

function Waiting({ overview: { open } }: { overview: Overview }) {
  const bands = ageBands(open);
  const severities = open.severities.map((it) => it.severity);
  return (
    <section className="card stack tight" aria-labelledby="overview-open">
      <h2 id="overview-open">
        Open warnings by age, and by severity {severities[0]} to {severities.at(-1)}
      </h2>
      {open.count === 0 ? (
        <p className="muted">None is open.</p>
      ) : (
        <Wide label="Open warnings by age">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Waiting for</th>
                <th scope="col" className="n">
                  Open
                </th>
                {severities.map((severity) => (
                  <th key={severity} scope="col" className="n">
                    <span className="unseen">Severity </span>
                    {severity}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bands.map((band) => (
                <tr key={band.name}>
                  <th scope="row" className="overview-band">
                    {band.name}
                  </th>
                  <td className="n">{count(band.all)}</td>
                  {severities.map((severity) => (
                    <td key={severity} className="n">
                      <OfSeverity severity={severity} many={band.counts.get(severity) ?? 0} />
                    </td>
                  ))}
                </tr>
              ))}
              <tr>
                <th scope="row">Past due</th>
                <td className="n">{count(open.past_due)}</td>
                {open.severities.map((it) => (
                  <td key={it.severity} className="n">
                    <OfSeverity severity={it.severity} many={it.past_due} />
                  </td>
                ))}
              </tr>
            </tbody>
          </table>
        </Wide>
      )}
      {open.beyond > 0 && (
        <p className="note" data-tone="grave">
          {count(open.beyond)} more are beyond the queue, for want of room; they are in none of these figures.
        </p>
      )}
      <p>
        <Link href="/queue">To the queue</Link>
      </p>
    </section>
  );
}

function OfSeverity({ severity, many }: { severity: number; many: number }) {
  if (many === 0) return <span className="muted">0</span>;
  return (
    <strong className="overview-cell" data-tone={severityTone(severity)}>
      {count(many)}
    </strong>
  );
}

type Hour = Overview["series"][number];

function barsOf(series: readonly Hour[], parts: (hour: Hour) => Bar["parts"], says: (hour: Hour) => string): Bar[] {
  return series.map((hour) => {
    const from = Date.parse(hour.from);
    return { from, to: from + HOUR_MS, parts: parts(hour), says: says(hour) };
  });
}

const HOUR_COLUMN = { name: "Hour", of: (hour: Hour) => <Moment at={hour.from} /> };

function Answers({ overview: { series, answered_in } }: { overview: Overview }) {
  const sum = (of: (hour: Hour) => number) => series.reduce((all, hour) => all + of(hour), 0);
  const open = (hour: Hour) => Math.max(0, hour.raised - hour.upheld - hour.dismissed);
  return (
    <section className="card">
      <Chart
        level={2}
        title="Warnings raised"
        unit="warnings an hour, by how they stand now"
        says={`${count(sum((hour) => hour.raised))} raised; ${count(sum((hour) => hour.upheld))} of them upheld, ${count(sum((hour) => hour.dismissed))} dismissed. Half were answered within ${took(answered_in.median_ms)}.`}
        rows={[...series].reverse()}
        rowKey={(hour) => hour.from}
        columns={[
          HOUR_COLUMN,
          { name: "Raised", number: true, of: (hour) => count(hour.raised) },
          { name: "Upheld", number: true, of: (hour) => count(hour.upheld) },
          { name: "Dismissed", number: true, of: (hour) => count(hour.dismissed) },
          { name: "Answered", number: true, of: (hour) => count(hour.answered_in.count) },
          { name: "Median", number: true, of: (hour) => took(hour.answered_in.median_ms) },
          { name: "p95", number: true, of: (hour) => took(hour.answered_in.p95_ms) },
        ]}
        legend={
          <>
            <LegendKey tone="grave">upheld</LegendKey>
            <LegendKey tone="calm" pattern="stripes">
              dismissed
            </LegendKey>
            <LegendKey tone="quiet">neither</LegendKey>
          </>
        }
      >
        {(width) => (
          <TimeBars
            width={width}
            height={HEIGHT}
            whole
            format={count}
            bars={barsOf(
              series,
              (hour) => [
                { name: "upheld", tone: "grave", value: hour.upheld },
                { name: "dismissed", tone: "calm", value: hour.dismissed, striped: true },
                { name: "neither", tone: "quiet", value: open(hour) },
              ],
              (hour) => `${hour.raised} raised, ${hour.upheld} upheld, ${hour.dismissed} dismissed`,
            )}
          />
        )}
      </Chart>
    </section>
  );
}

function Frames({ overview: { series, frames, unanswered } }: { overview: Overview }) {
  const all = series.reduce((sum, hour) => sum + hour.frames, 0);
  const skipped = (hour: Hour) => Math.max(0, hour.frames - hour.assessed - hour.failed);
  return (
    <section className="card stack tight">
      <Chart
        level={2}
        title="Frames"
        unit="frames an hour, by what became of them"
        says={`${count(all)} frames: ${count(frames.assessed)} judged, ${count(frames.failed)} failed.`}
        rows={[...series].reverse()}
        rowKey={(hour) => hour.from}
        columns={[
          HOUR_COLUMN,
          { name: "Frames", number: true, of: (hour) => count(hour.frames) },
          { name: "Judged", number: true, of: (hour) => count(hour.assessed) },
          { name: "Not clear", number: true, of: (hour) => count(hour.not_clear) },
          { name: "Failed", number: true, of: (hour) => count(hour.failed) },
        ]}
        legend={
          <>
            <LegendKey tone="calm">judged</LegendKey>
            <LegendKey tone="quiet" pattern="stripes">
              not judged
            </LegendKey>
            <LegendKey tone="broken">failed</LegendKey>
          </>
        }
      >
        {(width) => (
          <TimeBars
            width={width}
            height={HEIGHT}
            whole
            format={short}
            bars={barsOf(
              series,
              (hour) => [
                { name: "judged", tone: "calm", value: hour.assessed },
                { name: "not judged", tone: "quiet", value: skipped(hour), striped: true },
                { name: "failed", tone: "broken", value: hour.failed },
              ],
              (hour) => `${hour.frames} frames, ${hour.assessed} judged, ${hour.failed} failed`,
            )}
          />
        )}
      </Chart>
      <Outcomes frames={frames} />
      {unanswered && <Unanswered unanswered={unanswered} />}
    </section>
  );
}

const OUTCOMES: readonly { of: keyof Overview["frames"]; name: string }[] = [
  { of: "assessed", name: "judged" },
  { of: "not_clear", name: "of those, not clear" },
  { of: "similar", name: "as before" },
  { of: "too_soon", name: "not due" },
  { of: "gave_way", name: "gave way: budget" },
  { of: "overloaded", name: "no room" },
  { of: "superseded", name: "a newer one came" },
  { of: "stale", name: "too late" },
  { of: "other_source", name: "another source is judged" },
  { of: "other_session", name: "broadcast had ended" },
  { of: "no_policy", name: "no policy" },
  { of: "unsupported", name: "not a kind that is read" },
  { of: "failed", name: "failed" },
];

/** What never happened is left out, but for what must be seen to be none. */
function Outcomes({ frames }: { frames: Overview["frames"] }) {
  return (
    <dl className="overview-counts">
      {OUTCOMES.filter(({ of }) => frames[of] > 0 || of === "failed" || of === "overloaded").map(({ of, name }) => (
        <div key={of}>
          <dt>{name}</dt>
          <dd className="number">{count(frames[of])}</dd>
        </div>
      ))}
    </dl>
  );
}

function Unanswered({ unanswered }: { unanswered: Overview["unanswered"] }) {
  const all = Object.values(unanswered).reduce(
    (sum: number, value) => sum + (typeof value === "number" ? value : 0),
    0,
  );
  if (all === 0) return null;
  return (
    <p className="note" data-tone="broken">
      A provider was asked about {count(all)} frames in vain.
    </p>
  );
}

function Unwatched({ overview: { series, channels } }: { overview: Overview }) {
  return (
    <section className="card">
      <Chart
        level={2}
        title="Unwatched"
        unit="seconds on the air in which nobody looked, by the hour in which they ended"
        says={`Unwatched for ${lasting(channels.unwatched_ms)} in all, what goes on now among it.`}
        rows={[...series].reverse()}
        rowKey={(hour) => hour.from}
        columns={[
          HOUR_COLUMN,
          { name: "Unwatched, s", number: true, of: (hour) => count(Math.round(hour.unwatched_ms / 1000)) },
        ]}
      >
        {(width) => (
          <TimeBars
            width={width}
            height={HEIGHT}
            format={short}
            bars={barsOf(
              series,
              (hour) => [{ name: "unwatched", tone: "broken", value: hour.unwatched_ms / 1000, striped: true }],
              (hour) => lasting(hour.unwatched_ms),
            )}
          />
        )}
      </Chart>
    </section>
  );
}

/** `12k`: for an axis. */
function short(value: number): string {
  return value >= 1e6 ? `${value / 1e6}M` : value >= 1_000 ? `${value / 1_000}k` : String(value);
}

function Rules({ overview: { rules, hours } }: { overview: Overview }) {
  const sorted = [...rules].sort((a, b) => b.raised - a.raised || (a.rule < b.rule ? -1 : 1));
  return (
    <section className="card stack tight" aria-labelledby="overview-rules">
      <h2 id="overview-rules">What rules found, and what people said</h2>
      {sorted.length === 0 ? (
        <p className="empty">No rule raised a warning in {hours === 1 ? "this hour" : `these ${hours} hours`}.</p>
      ) : (
        <Wide label="Rules">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Rule</th>
                {["Raised", "Upheld", "Dismissed", "Overturned", "Lapsed", "Open"].map((name) => (
                  <th key={name} scope="col" className="n">
                    {name}
                  </th>
                ))}
                <th scope="col">Upheld, of answered</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((rule) => (
                <tr key={`${rule.policy} ${rule.rule}`}>
                  <th scope="row">
                    <Link href={`/audit?kind=warnings&rule=${encodeURIComponent(rule.rule)}`}>{rule.rule}</Link>{" "}
                    <Link className="muted overview-policy" href={`/policies/${encodeURIComponent(rule.policy)}`}>
                      {rule.policy}
                    </Link>
                  </th>
                  {[rule.raised, rule.upheld, rule.dismissed, rule.overturned, rule.lapsed, rule.open].map(
                    (value, at) => (
                      <td key={COLUMNS[at]} className="n">
                        {count(value)}
                      </td>
                    ),
                  )}
                  <td>
                    <span className="overview-rate">
                      <span className="overview-rate-track" aria-hidden="true">
                        <span style={{ width: `${(rule.upheld_milli ?? 0) / 10}%` }} />
                      </span>
                      <span className="number">{share(rule.upheld, rule.answered, "none answered")}</span>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}

const COLUMNS = ["raised", "upheld", "dismissed", "overturned", "lapsed", "open"];

const STOPS: readonly { of: keyof Omit<Overview["stops"]["automatic"], "verified_in">; name: string }[] = [
  { of: "requested", name: "Asked for" },
  { of: "verified", name: "Verified" },
  { of: "failed", name: "Failed" },
  { of: "held", name: "Held" },
  { of: "under_way", name: "Under way" },
  { of: "superseded", name: "Superseded" },
  { of: "not_needed", name: "Not needed" },
  { of: "cancelled", name: "Called off" },
];

function Stops({ overview: { stops } }: { overview: Overview }) {
  return (
    <section className="card stack tight" aria-labelledby="overview-stops">
      <h2 id="overview-stops">Stops</h2>
      <Wide label="Stops">
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">What became of it</th>
              <th scope="col" className="n">
                By a rule
              </th>
              <th scope="col" className="n">
                By a person
              </th>
            </tr>
          </thead>
          <tbody>
            {STOPS.map(({ of, name }) => (
              <tr key={of}>
                <th scope="row">{name}</th>
                <td className="n">{count(stops.automatic[of])}</td>
                <td className="n">{count(stops.by_person[of])}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">Seen off the air after, median</th>
              <td className="n">{took(stops.automatic.verified_in.median_ms)}</td>
              <td className="n">{took(stops.by_person.verified_in.median_ms)}</td>
            </tr>
            <tr>
              <th scope="row">p95</th>
              <td className="n">{took(stops.automatic.verified_in.p95_ms)}</td>
              <td className="n">{took(stops.by_person.verified_in.p95_ms)}</td>
            </tr>
          </tbody>
        </table>
      </Wide>
    </section>
  );
}

function Providers({ overview: { providers } }: { overview: Overview }) {
  return (
    <section className="card stack tight" aria-labelledby="overview-providers">
      <h2 id="overview-providers">Who judged, and what it cost</h2>
      {providers.length === 0 ? (
        <p className="muted">No provider answered in this time.</p>
      ) : (
        <Wide label="Providers">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Provider</th>
                <th scope="col" className="n">
                  Calls
                </th>
                <th scope="col" className="n">
                  Median
                </th>
                <th scope="col" className="n">
                  p95
                </th>
                <th scope="col" className="n">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {providers.map((it) => (
                <tr key={`${it.provider} ${it.model}`}>
                  <th scope="row">
                    {it.provider} <span className="muted overview-policy">{it.model}</span>
                  </th>
                  <td className="n">{count(it.calls)}</td>
                  <td className="n">{took(it.took.median_ms)}</td>
                  <td className="n">{took(it.took.p95_ms)}</td>
                  <td className="n">{dollars(it.cost_micros)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {providers.some((it) => it.cost_micros == null) && (
        <p className="muted">Where no price is configured, no cost is known: that is not a cost of nothing.</p>
      )}
    </section>
  );
}
