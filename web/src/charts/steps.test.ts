import { expect, test } from "vitest";
import { niceTop, timeTicks, valueAt, within } from "./steps";

const points = [
  { at: 10, value: 1 },
  { at: 20, value: 3 },
  { at: 30, value: 2 },
];

test("a value holds until the next one, and there is none before the first", () => {
  expect([5, 10, 19, 20, 99].map((at) => valueAt(points, at))).toEqual([null, 1, 1, 3, 2]);
});

test("a stretch begins with what holds and ends with what holds", () => {
  expect(within(points, 15, 25)).toEqual([
    { at: 15, value: 1 },
    { at: 20, value: 3 },
    { at: 25, value: 3 },
  ]);
});

test("before the first value nothing is drawn", () => {
  expect(within(points, 0, 15)).toEqual([
    { at: 10, value: 1 },
    { at: 15, value: 1 },
  ]);
  expect(within([], 0, 15)).toEqual([]);
});

test("ticks are round and never more than there is room for", () => {
  const from = Date.UTC(2026, 0, 1, 10, 1);
  for (const length of [30_000, 600_000, 7_200_000, 86_400_000, 14 * 86_400_000]) {
    const ticks = timeTicks(from, from + length, 6);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThanOrEqual(7);
    expect(ticks.every((at) => at >= from && at <= from + length)).toBe(true);
  }
});

test.each([
  [0, 1],
  [Number.NaN, 1],
  [1, 1],
  [3, 5],
  [11, 20],
  [99, 100],
  [0.3, 0.5],
])("an axis for %d ends at %d", (most, top) => expect(niceTop(most)).toBeCloseTo(top));
