import { expect, test } from "vitest";
import { clock, severityOf } from "./said";

test.each([
  [33.333, 1],
  [66.667, 2],
  [100, 3],
  [0, 0],
])("a confidence of %d is severity %d", (confidence, severity) => {
  expect(severityOf(confidence)).toBe(severity);
});

test("times are minutes and seconds of the segment", () => {
  expect([0, 999, 7_400, 61_000].map(clock)).toEqual(["0:00", "0:00", "0:07", "1:01"]);
});
