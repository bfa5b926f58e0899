// What happened hour by hour, as bars with the numbers behind them: warnings, frames, and time in which nobody looked.

import type { ReactNode } from "react";
import { type Bar, TimeBars } from "../../charts/bars";
import { Chart, LegendKey } from "../../charts/chart";
import { Moment } from "../../design/parts";
import { lasting } from "../../words/time";
import { count, type OfAll, type Overview, took } from "./figures";

const HEIGHT = 150;
const HOUR_MS = 3_600_000;

type Hour = Overview["series"][number];

interface HoursProps<H extends Hour> {
  title: string;
  unit: string;
  says: string;
  series: readonly H[];
  /** Of the table behind the bars, after the hour. */
  columns: readonly { name: string; of: (hour: H) => string }[];
  parts: (hour: H) => Bar["parts"];
  /** One hour in words. */
  saysHour: (hour: H) => string;
  format: (value: number) => string;
  /** Counted in whole numbers. */
  whole?: boolean;
  legend?: ReactNode;
}

function Hours<H extends Hour>({
  title,
  unit,
  says,
  series,
  columns,
  parts,
  saysHour,
  format,
  whole,
  legend,
}: HoursProps<H>) {
  const bars = series.map((hour): Bar => {
    const from = Date.parse(hour.from);
    return { from, to: from + HOUR_MS, parts: parts(hour), says: saysHour(hour) };
  });
  return (
    <Chart
      level={2}
      title={title}
      unit={unit}
      says={says}
      rows={[...series].reverse()}
      rowKey={(hour) => hour.from}
      columns={[
        { name: "Hour", of: (hour: H) => <Moment at={hour.from} /> },
        ...columns.map((column) => ({ ...column, number: true as const })),
      ]}
      legend={legend}
    >
      {(width) => <TimeBars width={width} height={HEIGHT} whole={whole} format={format} bars={bars} />}
    </Chart>
  );
}

export function Answers({ overview: { series, answered_in } }: { overview: Overview }) {
  const sum = (of: (hour: Hour) => number) => count(series.reduce((all, hour) => all + of(hour), 0));
  const open = (hour: Hour) => Math.max(0, hour.raised - hour.upheld - hour.dismissed);
  return (
    <section className="card">
      <Hours
        title="Warnings raised"
        unit="warnings an hour, by how they stand now"
        says={`${sum((hour) => hour.raised)} raised; ${sum((hour) => hour.upheld)} of them upheld, ${sum((hour) => hour.dismissed)} dismissed. Half were answered within ${took(answered_in.median_ms)}.`}
        series={series}
        columns={[
          { name: "Raised", of: (hour) => count(hour.raised) },
          { name: "Upheld", of: (hour) => count(hour.upheld) },
          { name: "Dismissed", of: (hour) => count(hour.dismissed) },
          { name: "Answered", of: (hour) => count(hour.answered_in.count) },
          { name: "Median", of: (hour) => took(hour.answered_in.median_ms) },
          { name: "p95", of: (hour) => took(hour.answered_in.p95_ms) },
        ]}
        parts={(hour) => [
          { name: "upheld", tone: "grave", value: hour.upheld },
          { name: "dismissed", tone: "calm", value: hour.dismissed, striped: true },
          { name: "neither", tone: "quiet", value: open(hour) },
        ]}
        saysHour={(hour) => `${hour.raised} raised, ${hour.upheld} upheld, ${hour.dismissed} dismissed`}
        format={count}
        whole
        legend={
          <>
            <LegendKey tone="grave">upheld</LegendKey>
            <LegendKey tone="calm" pattern="stripes">
              dismissed
            </LegendKey>
            <LegendKey tone="quiet">neither</LegendKey>
          </>
        }
      />
    </section>
  );
}

export function Frames({ overview: { series, frames, unanswered } }: { overview: OfAll }) {
  const all = series.reduce((sum, hour) => sum + hour.frames, 0);
  const skipped = (hour: OfAll["series"][number]) => Math.max(0, hour.frames - hour.assessed - hour.failed);
  return (
    <section className="card stack tight">
      <Hours
        title="Frames"
        unit="frames an hour, by what became of them"
        says={`${count(all)} frames: ${count(frames.assessed)} judged, ${count(frames.failed)} failed.`}
        series={series}
        columns={[
          { name: "Frames", of: (hour) => count(hour.frames) },
          { name: "Judged", of: (hour) => count(hour.assessed) },
          { name: "Not clear", of: (hour) => count(hour.not_clear) },
          { name: "Failed", of: (hour) => count(hour.failed) },
        ]}
        parts={(hour) => [
          { name: "judged", tone: "calm", value: hour.assessed },
          { name: "not judged", tone: "quiet", value: skipped(hour), striped: true },
          { name: "failed", tone: "broken", value: hour.failed },
        ]}
        saysHour={(hour) => `${hour.frames} frames, ${hour.assessed} judged, ${hour.failed} failed`}
        format={short}
        whole
        legend={
          <>
            <LegendKey tone="calm">judged</LegendKey>
            <LegendKey tone="quiet" pattern="stripes">
              not judged
            </LegendKey>
            <LegendKey tone="broken">failed</LegendKey>
          </>
        }
      />
      <Outcomes frames={frames} />
      {unanswered && <Unanswered unanswered={unanswered} />}
    </section>
  );
}

const OUTCOMES: readonly { of: keyof OfAll["frames"]; name: string }[] = [
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
  { of: "no_track", name: "mute, or without a picture" },
  { of: "failed", name: "failed" },
];

/** What never happened is left out, but for what must be seen to be none. */
function Outcomes({ frames }: { frames: OfAll["frames"] }) {
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

function Unanswered({ unanswered }: { unanswered: OfAll["unanswered"] }) {
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

export function Unwatched({ overview: { series, channels } }: { overview: OfAll }) {
  return (
    <section className="card">
      <Hours
        title="Unwatched"
        unit="seconds on the air in which nobody looked, by the hour in which they ended"
        says={`Unwatched for ${lasting(channels.unwatched_ms)} in all, what goes on now among it.`}
        series={series}
        columns={[{ name: "Unwatched, s", of: (hour) => count(Math.round(hour.unwatched_ms / 1000)) }]}
        parts={(hour) => [{ name: "unwatched", tone: "broken", value: hour.unwatched_ms / 1000, striped: true }]}
        saysHour={(hour) => lasting(hour.unwatched_ms)}
        format={short}
      />
    </section>
  );
}

/** `12k`: for an axis. */
function short(value: number): string {
  return value >= 1e6 ? `${value / 1e6}M` : value >= 1_000 ? `${value / 1_000}k` : String(value);
}
