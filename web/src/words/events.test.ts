import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventWords, KINDS, kindOf } from "./events";

const types = Object.keys(JSON.parse(readFileSync("../schemas/events.json", "utf8")).events);

test("every type of event that the journal knows is of exactly one kind", () => {
  const listed = Object.values(KINDS).flatMap((kind) => [...kind.types] as string[]);
  expect([...listed].sort()).toEqual([...types].sort());
});

test("every type has words of its own, whatever its payload", () => {
  for (const type of types) {
    expect(() => eventWords({ type, payload: null })).not.toThrow();
    expect(eventWords({ type, payload: {} }).what).not.toBe("");
  }
});

test.each([
  [
    "CadenceChanged",
    { from: { interval_ms: 60_000 }, to: { interval_ms: 10_000 }, because: "hit", score: 0.5 },
    "every 10 s instead of every 1 min: a rule was hit, reputation 0.50",
  ],
  [
    "FrameSkipped",
    { because: { similar: { distance: [3, 120], to: 7 } } },
    "as frame 7: 3 of 64 bits and 1.2 grey levels apart",
  ],
  [
    "ErasureRequested",
    { what: { channel: { channel: "ch", content: "transcripts" } }, reason: "request-7" },
    "transcripts of ch: request-7",
  ],
  ["ErasureRequested", { what: { person: "ann" }, reason: "request-7" }, "what ann wrote: request-7"],
  [
    "ContentErased",
    { subject: "channel/ch", reason: "request-7", held: { contents: 3, bytes: 9 } },
    "channel/ch: request-7; 3 contents",
  ],
  [
    "FrameSkipped",
    { medium: "sound", because: { no_track: { sha256: "ab" } } },
    "the segment has no such track, and says so itself: nobody was asked (sound)",
  ],
  ["SegmentsUnjudged", { medium: "sound", because: "no_input" }, "the policy asks for it and none arrives"],
  [
    "ProviderSuspended",
    { provider: { name: "hive" }, medium: "clip", failures: 10, because: "gone" },
    "hive (clip) failed 10 times: gone",
  ],
  ["WarningLapsed", { because: "judged_again" }, "sound or clips are judged again"],
  ["FrameFailed", { stage: "provider", reason: "gone", attempts: 1 }, "the provider failed: gone"],
  ["ReputationAdjusted", { by: "ana", change: { by: -100 } }, "lowered by 0.10 by ana"],
  [
    "EnforcementHeld",
    { budget: { per_minute: { used: 3, of: 3 } } },
    "automatic stops of the last minute: 3 of 3 are used; a person is asked",
  ],
])("%s says %o", (type, payload, text) => expect(eventWords({ type, payload }).text).toBe(text));

test("a type that is not known is shown by its name, as of the system", () => {
  expect(eventWords({ type: "MoonRose", payload: { bright: true } })).toEqual({
    what: "MoonRose",
    tone: "quiet",
    text: "",
  });
  expect(kindOf("MoonRose")).toBe("system");
});
