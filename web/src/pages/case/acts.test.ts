import { expect, test } from "vitest";
import type { WarningRow } from "../../live/store";
import { follows, undoLeft } from "./acts";

const answer = { by: "mo-1", upheld: true, at: "2026-01-01T00:00:00Z", until: "2026-01-01T00:01:00Z" };
const now = Date.parse("2026-01-01T00:00:20Z");
const led = (stage: unknown) => ({ enforcement: "e", kind: "stop", since: "", stage }) as WarningRow["enforcement"];

test.each([
  ["nothing followed", null, 40_000],
  ["a stop was asked for", "requested", 40_000],
  ["a stop was held", { held: { per_minute: { used: 5, of: 5 } } }, 40_000],
  ["a stop was tried", { attempted: 1 }, 0],
  ["a stop was seen to work", "verified", 0],
])("%s: the answer can be taken back for %j", (_, stage, left) => {
  expect(undoLeft({ answer, enforcement: stage === null ? null : led(stage) }, "mo-1", now)).toBe(left);
});

test("nobody takes back what another answered, or what was answered too long ago", () => {
  expect(undoLeft({ answer, enforcement: null }, "mo-2", now)).toBe(0);
  expect(undoLeft({ answer, enforcement: null }, "mo-1", now + 60_000)).toBe(0);
});

test.each([
  ["warn", "person", null],
  ["stop", "person", "stop"],
  ["suspend", "person", "suspend"],
  ["stop", "none", null],
] as const)("upholding a rule that says %s with approval of %s leads to %s", (action, approval, kind) => {
  expect(follows({ action, approval, enforcement: null })).toBe(kind);
});
