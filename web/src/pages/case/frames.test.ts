import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { mediumOf, shotsOf } from "./frames";
import { earlier } from "./history";

const event = (type: string, payload: unknown, n = 1) =>
  ({
    id: `${n}`,
    type,
    captured_at: `2026-01-01T00:00:0${n}Z`,
    recorded_at: `2026-01-01T00:00:0${n}Z`,
    payload,
  }) as Schemas["RecordedEvent"];

test("each frame is shown with what became of it, and only what was judged has a score", () => {
  const row = {
    evidence: [{ frame: "b", medium: "picture" as const, captured_at: "", confidence: 41, margin: 1 }],
    label: "Nudity",
  };
  const shots = shotsOf(
    [
      event("FrameAssessed", { frame: "a", verdict: "clear", labels: [["Violence", 97]] }, 1),
      event(
        "FrameAssessed",
        {
          frame: "b",
          verdict: "warn",
          labels: [
            ["Nudity", 41],
            ["Nudity/Partial", 44],
            ["Nudityish", 99],
          ],
        },
        2,
      ),
      event("FrameSkipped", { frame: "c", because: { similar: { to: 3 } } }, 3),
      event("FrameFailed", { frame: "d", stage: "decode" }, 4),
      event("WarningRaised", { frame: "b" }, 5),
    ],
    row,
  );
  expect(shots.map((shot) => [shot.frame, shot.text, shot.score, shot.hit])).toEqual([
    ["a", "clear", 0, false],
    ["b", "warn", 44, true],
    ["c", "as before", null, false],
    ["d", "could not be decoded", null, false],
  ]);
});

test("a hit outside of the strip, and one that was not had yet, is shown as what it is", () => {
  const hit = (frame: string, medium: Schemas["Medium"]) => ({
    frame,
    medium,
    captured_at: "2026-01-01T00:00:09Z",
    confidence: 90,
    margin: 1,
  });
  const row = { frame: "a", medium: "sound" as const, evidence: [hit("b", "clip")], label: null };
  const shots = shotsOf([event("FrameAssessed", { frame: "a", medium: "sound", verdict: "warn", labels: [] })], row);
  expect(shots.map((shot) => [shot.frame, shot.medium])).toEqual([
    ["a", "sound"],
    ["b", "clip"],
  ]);
  expect(["a", "b", "c"].map((frame) => mediumOf(row, frame, undefined))).toEqual(["sound", "clip", "picture"]);
  expect(mediumOf(row, "c", shots[1])).toBe("clip");
});

test("the last word on an earlier warning counts", () => {
  const raised = (warning: string, n: number) =>
    event("WarningRaised", { warning, rule: "r", severity: 2, frame: "f" }, n);
  const found = earlier([
    event("WarningAnswerWithdrawn", { warning: "b" }, 6),
    event("WarningUpheld", { warning: "b" }, 5),
    event("WarningDismissed", { warning: "a" }, 4),
    raised("c", 3),
    raised("b", 2),
    raised("a", 1),
  ]);
  expect(found.map((it) => [it.warning, it.answer])).toEqual([
    ["c", "open"],
    ["b", "open"],
    ["a", "dismissed"],
  ]);
});
