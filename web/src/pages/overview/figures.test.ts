import { expect, test } from "vitest";
import { ageBands, dollars, type Overview, percent, share, stepsOf, took } from "./figures";

test("a share of nothing is none, not zero", () => {
  expect(share(0, 0)).toBe("none");
  expect(share(0, 4)).toBe("0\u00a0% of 4");
  expect(share(3, 4)).toBe("75\u00a0% of 4");
});

test.each([
  [100, "100\u00a0%"],
  [99.95, ">99.9\u00a0%"],
  [0.05, "<0.1\u00a0%"],
  [0, "0\u00a0%"],
  [7.25, "7.3\u00a0%"],
])("%d is said as %s", (value, text) => expect(percent(value)).toBe(text));

test.each([
  [null, "–"],
  [840, "840 ms"],
  [2_100, "2.1 s"],
  [12_345, "12 s"],
  [240_000, "4 min"],
])("%s ms took %s", (ms, text) => expect(took(ms)).toBe(text));

test("a cost that is not known is not nothing", () => {
  expect([null, 0, 4_000, 1_281_000].map(dollars)).toEqual(["not known", "$0.00", "<$0.01", "$1.28"]);
});

test("open warnings of all severities are put together by age", () => {
  const ages = (first: number, last: number) => [
    { from_ms: 0, below_ms: 60_000, count: first },
    { from_ms: 60_000, below_ms: null, count: last },
  ];
  const bands = ageBands({
    beyond: 0,
    count: 6,
    past_due: 0,
    severities: [
      { severity: 5, count: 1, past_due: 0, ages: ages(1, 0) },
      { severity: 2, count: 5, past_due: 0, ages: ages(2, 3) },
    ],
  });
  expect([...(bands[0]?.counts ?? [])]).toEqual([
    [5, 1],
    [2, 2],
  ]);
  expect(bands.map(({ name, all }) => [name, all])).toEqual([
    ["under 1 min", 3],
    ["1 min and more", 3],
  ]);
});

test("every day of a rule has its step, from the one in which the first hour lies", () => {
  const day = 86_400_000;
  const rule = {
    steps: [{ from: "2026-01-02T00:00:00Z", raised: 5, answered: 4, upheld: 3 }],
  } as Overview["rules"][number];
  const steps = stepsOf(rule, { from: "2026-01-01T09:00:00Z", now: "2026-01-03T08:30:00Z", step_ms: day });
  expect(steps.map((step) => [new Date(step.from).toISOString().slice(0, 10), step.of.answered])).toEqual([
    ["2026-01-01", 0],
    ["2026-01-02", 4],
    ["2026-01-03", 0],
  ]);
  expect(steps.every((step) => step.to - step.from === day)).toBe(true);
});
