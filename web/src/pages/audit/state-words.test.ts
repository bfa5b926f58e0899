import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { changedParts, partsOf } from "./state-words";

const AT = "2026-01-01T00:00:00.000Z";
const LATER = "2026-01-01T00:00:10.000Z";

const state = (change: Partial<Schemas["ChannelState"]> = {}): Schemas["ChannelState"] => ({
  alarmed: null,
  asked_in_vain: null,
  channel: "c",
  cooldowns: [],
  coverage: "idle",
  ended_sessions: [],
  enforcements: [],
  ledger: { days: [], findings: [] },
  pace_because: null,
  pace_since: null,
  policy_since: null,
  sequence: 1,
  stirred: null,
  warnings: [],
  windows: [],
  ...change,
});

test("of a channel without anything each part says that there is nothing", () => {
  for (const { lines, nothing } of Object.values(partsOf(state()))) {
    expect(lines).toEqual([]);
    expect(nothing).not.toBe("");
  }
});

test("what an event changed is marked, and nothing else", () => {
  const before = state({ coverage: { watched: { from: AT } }, sequence: 1 });
  const after = state({
    coverage: { unwatched: { since: AT, because: "no_input" } },
    session: { id: "s", since: AT },
    sequence: 2,
  });
  expect(changedParts(before, after)).toEqual(["session", "coverage"]);
});

test("a frame that was looked at changes nothing of being watched", () => {
  const before = state({ coverage: { watched: { from: AT } } });
  expect(changedParts(before, state({ coverage: { watched: { from: LATER } }, newest_seen: LATER }))).toEqual([]);
});
