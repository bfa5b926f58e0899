import { expect, test } from "vitest";
import type { RecordedEvent } from "../../words/events";
import { causes, scores, spansOf, sums } from "./history";

let sequence = 0;
const iso = (at: number) => new Date(at).toISOString();
const event = (type: string, at: number, payload: object = {}): RecordedEvent =>
  ({ type, captured_at: iso(at), recorded_at: iso(at), sequence: ++sequence, payload }) as RecordedEvent;

test("spans cover all of the time, from what the first event ended to what holds now", () => {
  const events = [
    event("SessionStarted", 100),
    event("ChannelUnwatched", 250, { since: iso(200), because: "no_input" }),
    event("ChannelWatched", 320, { unwatched_since: iso(200), unwatched_ms: 100 }),
    event("SessionEnded", 400),
  ];
  const spans = spansOf(events, 0, 500, { state: "idle" });
  expect(spans).toEqual([
    { state: "idle", from: 0, to: 100 },
    { state: "watched", from: 100, to: 200 },
    { state: "unwatched", from: 200, to: 300, because: "no_input" },
    { state: "watched", from: 300, to: 400 },
    { state: "idle", from: 400, to: 500 },
  ]);
  expect(sums(spans)).toEqual({ idle: 200, watched: 200, unwatched: 100 });
});

test("a stretch that begins within an unwatched span shows it as one", () => {
  const events = [event("ChannelWatched", 320, { unwatched_since: iso(50), unwatched_ms: 250 })];
  expect(spansOf(events, 200, 400, { state: "watched" })).toEqual([
    { state: "unwatched", from: 200, to: 300 },
    { state: "watched", from: 300, to: 400 },
  ]);
});

test("without an event, what holds now has held since it began", () => {
  expect(spansOf([], 0, 100, { state: "unwatched", since: -5, because: "failed" })).toEqual([
    { state: "unwatched", from: 0, to: 100, because: "failed" },
  ]);
  expect(spansOf([], 0, 100, { state: "watched", since: 60 })).toEqual([
    { state: "idle", from: 0, to: 60 },
    { state: "watched", from: 60, to: 100 },
  ]);
});

test("two spans of one state that touch are one", () => {
  const events = [event("SessionStarted", 10), event("SessionStarted", 20)];
  expect(spansOf(events, 0, 30, { state: "watched" })).toEqual([
    { state: "idle", from: 0, to: 10 },
    { state: "watched", from: 10, to: 30 },
  ]);
});

test("a score is known where an event says it, and a cadence without one says nothing of it", () => {
  const pace = { interval_ms: 1000, tolerance_ms: 0 };
  const events = [
    event("CadenceChanged", 10, { to: pace, because: "trust", score: 0.25 }),
    event("CadenceChanged", 20, { to: pace, because: "hit", score: null }),
    event("ReputationAdjusted", 30, { by: "ana", change: { pin: 0.9 } }),
    event("ReputationAdjusted", 40, { by: "ana", change: "release" }),
    event("WarningUpheld", 50, { by: "ana" }),
  ];
  expect(scores(events, { at: 60, value: 0.5 })).toEqual([
    { at: 10, value: 0.25 },
    { at: 30, value: 0.9 },
    { at: 60, value: 0.5 },
  ]);
  expect(causes(events).map((mark) => [mark.at, mark.shape])).toEqual([
    [10, "circle"],
    [30, "square"],
    [40, "square"],
    [50, "down"],
  ]);
});
