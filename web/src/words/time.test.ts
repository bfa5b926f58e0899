import { expect, test } from "vitest";
import { counting, interval, lasting } from "./time";

test.each([
  [0, "0 s"],
  [-5_000, "0 s"],
  [99_000, "99 s"],
  [100_000, "1 min"],
  [6_000_000, "1 h 40 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
  [190_000_000, "2 d 4 h"],
])("%i ms last %s", (ms, text) => expect(lasting(ms)).toBe(text));

test.each([
  [0, "0:00"],
  [1, "0:01"],
  [59_001, "1:00"],
  [3_723_000, "1:02:03"],
])("%i ms count as %s", (ms, text) => expect(counting(ms)).toBe(text));

test.each([
  [500, "500 ms"],
  [1_000, "1 s"],
  [1_500, "1.5 s"],
  [90_000, "1 min 30 s"],
  [120_000, "2 min"],
])("%i ms are an interval of %s", (ms, text) => expect(interval(ms)).toBe(text));
