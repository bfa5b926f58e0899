// The figures of the overview in words. A share without the number it rests on is never said, and a share of nothing is
// none, not zero.

import type { Schemas } from "../../api/client";
import { interval, lasting } from "../../words/time";

export type Overview = Schemas["Overview"];
export type Took = Schemas["Took2"];

type HourOfAll = "frames" | "assessed" | "not_clear" | "failed" | "unwatched_ms";

/** What is counted for all channels together is there. */
export type OfAll = Omit<Overview, "channels" | "series"> & {
  providers: NonNullable<Overview["providers"]>;
  unanswered: NonNullable<Overview["unanswered"]>;
  frames: NonNullable<Overview["frames"]>;
  channels: Overview["channels"] & { unwatched_ms: number };
  series: (Overview["series"][number] & Record<HourOfAll, number>)[];
};

export function ofAll(overview: Overview): OfAll | null {
  return overview.of === "all" ? (overview as OfAll) : null;
}

/** `72 % of 18`; of nothing: `none answered`. */
export function share(part: number, of: number, none = "none"): string {
  return of === 0 ? none : `${percent((100 * part) / of)} of ${count(of)}`;
}

export function percent(value: number): string {
  // What is not all is never rounded to all, and what is not nothing never to nothing.
  if (value > 0 && value < 0.1) return "<0.1\u00a0%";
  if (value < 100 && value > 99.9) return ">99.9\u00a0%";
  return `${Number(value.toFixed(value < 10 ? 1 : 0))}\u00a0%`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** `2.1 s`, `840 ms`, `4 min`: a median or a percentile. */
export function took(ms: number | null | undefined): string {
  if (ms == null) return "–";
  return ms < 60_000 ? interval(ms < 10_000 ? ms : Math.round(ms / 1000) * 1000) : lasting(ms);
}

/** Of what was asked for without a person: nothing asked for is no share. */
export function autoShare({ automatic, by_person }: Overview["stops"]): string {
  const all = automatic.requested + by_person.requested;
  return share(automatic.requested, all, "no stop was asked for");
}

export interface AgeBand {
  name: string;
  /** How many of each severity. */
  counts: Map<number, number>;
  all: number;
}

/** The open warnings by how long they have waited, the ones of each severity apart. */
export function ageBands(open: Overview["open"]): AgeBand[] {
  const bands = new Map<number, AgeBand>();
  for (const { severity, ages } of open.severities) {
    for (const age of ages) {
      const band = bands.get(age.from_ms) ?? { name: bandName(age), counts: new Map(), all: 0 };
      band.counts.set(severity, age.count);
      band.all += age.count;
      bands.set(age.from_ms, band);
    }
  }
  return [...bands.entries()].sort(([a], [b]) => a - b).map(([, band]) => band);
}

function bandName({ from_ms, below_ms }: Schemas["Age"]): string {
  if (below_ms == null) return `${bound(from_ms)} and more`;
  return from_ms === 0 ? `under ${bound(below_ms)}` : `${bound(from_ms)} to ${bound(below_ms)}`;
}

/** Bounds are round: said in the largest unit that they are whole in. */
function bound(ms: number): string {
  const units = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
  ] as const;
  const unit = units.find(([size]) => ms % size === 0 && ms >= size);
  return unit ? `${ms / unit[0]} ${unit[1]}` : lasting(ms);
}

/** Millionths of a dollar. */
export function dollars(micros: number | null | undefined): string {
  if (micros == null) return "not known";
  const value = micros / 1e6;
  return value > 0 && value < 0.01
    ? "<$0.01"
    : `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export interface Step {
  from: number;
  to: number;
  of: { raised: number; answered: number; upheld: number };
}

/** Every step of a rule from the first hour on to now, also those in which it raised nothing. */
export function stepsOf(
  { steps }: Overview["rules"][number],
  overview: Pick<Overview, "from" | "now" | "step_ms">,
): Step[] {
  const { step_ms } = overview;
  const known = new Map(steps.map((step) => [Date.parse(step.from), step]));
  const all: Step[] = [];
  const last = Date.parse(overview.now);
  for (let from = Math.floor(Date.parse(overview.from) / step_ms) * step_ms; from <= last; from += step_ms) {
    const { raised = 0, answered = 0, upheld = 0 } = known.get(from) ?? {};
    all.push({ from, to: from + step_ms, of: { raised, answered, upheld } });
  }
  return all;
}
