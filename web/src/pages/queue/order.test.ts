import { describe, expect, test } from "vitest";
import type { WarningRow } from "../../live/store";
import { byUrgency, held, openWarnings, overdue } from "./order";

const row = (warning: string, over: Partial<WarningRow>): WarningRow =>
  ({
    warning,
    standing: "open",
    severity: 1,
    raised_at: "2026-01-01T00:00:00Z",
    due_at: "2026-01-01T00:10:00Z",
    position: 1,
    ...over,
  }) as WarningRow;

describe("the queue", () => {
  test("is in order of urgency", () => {
    const rows = [
      row("claimed", { standing: "claimed_by_another", severity: 5 }),
      row("mild", {}),
      row("grave-new", { severity: 5, raised_at: "2026-01-01T00:05:00Z" }),
      row("grave-old", { severity: 5 }),
      row("answered", { standing: "answered", severity: 5 }),
      row("mild-later", { position: 2 }),
    ];
    expect(rows.sort(byUrgency).map((it) => it.warning)).toEqual([
      "grave-old",
      "grave-new",
      "mild",
      "mild-later",
      "claimed",
      "answered",
    ]);
  });

  test("is unknown, not empty, before anything was heard", () => {
    expect(openWarnings(new Map(), false)).toBeNull();
    expect(openWarnings(new Map(), true)).toEqual([]);
  });

  test("counts what is past its time", () => {
    const at = Date.parse("2026-01-01T00:10:00Z");
    expect(overdue([row("a", {})], at)).toBe(0);
    expect(overdue([row("a", {})], at + 1)).toBe(1);
  });

  test("does not move under the reader's hand", () => {
    expect(held(["a", "b", "c"], ["new", "c", "a"])).toEqual({ order: ["a", "c"], waiting: 1, moved: 2 });
    expect(held([], ["a"])).toEqual({ order: [], waiting: 1, moved: 0 });
    expect(held(["a", "b"], ["a", "b"])).toEqual({ order: ["a", "b"], waiting: 0, moved: 0 });
  });
});
