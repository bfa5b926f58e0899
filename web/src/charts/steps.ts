// What a step line is made of: a value holds from its moment until the next one.

export interface Point {
  at: number;
  value: number;
}

export interface Mark {
  at: number;
  /** Where on the scale it stands; none: on the line. */
  value?: number;
  text: string;
  tone: "calm" | "quiet" | "warn" | "grave";
  shape: "circle" | "up" | "down" | "square";
}

/** The value that holds at a moment; none before the first. Points are in order of time. */
export function valueAt(points: readonly Point[], at: number): number | null {
  let value: number | null = null;
  for (const point of points) {
    if (point.at > at) break;
    value = point.value;
  }
  return value;
}

/** The points from `from` to `to`, with the value that holds at the beginning and at the end. */
export function within(points: readonly Point[], from: number, to: number): Point[] {
  const inside = points.filter((point) => point.at >= from && point.at <= to);
  const before = valueAt(points, from);
  const first = before === null ? [] : [{ at: from, value: before }];
  const all = [...first, ...inside.filter((point) => point.at > from || before === null)];
  const last = all.at(-1);
  return last && last.at < to ? [...all, { at: to, value: last.value }] : all;
}

const STEPS_MS = [
  1_000, 5_000, 15_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000,
  86_400_000, 172_800_000, 604_800_000,
];

/** Round moments of the reader's own day between two others, at most `count`. */
export function timeTicks(from: number, to: number, count: number): number[] {
  const step = STEPS_MS.find((step) => (to - from) / step <= count) ?? STEPS_MS[STEPS_MS.length - 1] ?? 1;
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const ticks: number[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** The end of an axis that begins at 0: 1, 2 or 5 times a power of ten, and never 0. */
export function niceTop(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return (([1, 2, 5, 10].find((times) => times * power >= most) ?? 10) as number) * power;
}
