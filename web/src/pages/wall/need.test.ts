import { expect, test } from "vitest";
import type { ChannelRow, WarningRow } from "../../live/store";
import { isWanted, ordered } from "./need";

const now = Date.parse("2026-01-01T01:00:00Z");
const channel = (id: string, over: Partial<ChannelRow> = {}): ChannelRow =>
  ({
    channel: id,
    session: { session: "s", since: "2026-01-01T00:00:00Z" },
    coverage: { watched: { since: "2026-01-01T00:00:00Z" } },
    cadence: { score: 0.9, policy: { id: "p", version: 1 } },
    unjudged: [],
    open_warnings: 0,
    worst_severity: null,
    ...over,
  }) as ChannelRow;
const warned = (id: string, severity: number) => channel(id, { open_warnings: 1, worst_severity: severity });
const warning = (of: string, raised_at: string): WarningRow =>
  ({ channel: of, warning: of, raised_at, standing: "open" }) as WarningRow;

test("what needs somebody most is first", () => {
  const rows = [
    channel("trusted"),
    channel("doubted", { cadence: { score: 0.2 } as ChannelRow["cadence"] }),
    channel("unknown", { cadence: null }),
    channel("blind", { coverage: { unwatched: { since: "2026-01-01T00:59:00Z", because: "failed" } } }),
    channel("blinder", { coverage: { unwatched: { since: "2026-01-01T00:10:00Z", because: "failed" } } }),
    channel("deaf", { unjudged: [{ medium: "sound", since: "2026-01-01T00:59:00Z", because: "no_input" }] }),
    channel("deafest", { unjudged: [{ medium: "sound", since: "2025-12-30T01:00:00Z", because: "no_input" }] }),
    channel("deafer-by-far", { unjudged: [{ medium: "sound", since: "2025-12-31T20:00:00Z", because: "no_input" }] }),
    channel("deafer", {
      unjudged: [
        { medium: "clip", since: "2026-01-01T00:59:30Z", because: "passed_over" },
        { medium: "sound", since: "2026-01-01T00:50:00Z", because: "no_input" },
      ],
    }),
    warned("mild", 1),
    warned("mild-and-old", 1),
    warned("grave", 5),
  ];
  const warnings = [
    warning("mild", "2026-01-01T00:59:59Z"),
    warning("mild-and-old", "2026-01-01T00:00:00Z"),
    warning("grave", "2026-01-01T00:59:59Z"),
  ];
  expect(ordered(rows, warnings, { only: "all", search: "" }, now)).toEqual([
    "grave",
    "mild-and-old",
    "mild",
    "blinder",
    "blind",
    "deafest",
    "deafer-by-far",
    "deafer",
    "deaf",
    "doubted",
    "unknown",
    "trusted",
  ]);
});

test("no blindness outweighs an open warning", () => {
  const rows = [
    channel("blind", { coverage: { unwatched: { since: "2020-01-01T00:00:00Z", because: "failed" } } }),
    warned("mild", 1),
  ];
  expect(ordered(rows, [], { only: "all", search: "" }, now)).toEqual(["mild", "blind"]);
});

test.each([
  ["all", "", true, false],
  ["all", "ar 1", true, false],
  ["all", "nothing", false, false],
  ["warnings", "", false, false],
  ["unwatched", "", false, false],
] as const)("%s with %j shows the live one: %s, the ended one: %s", (only, search, live, ended) => {
  expect(isWanted(channel("arena-1"), { only, search })).toBe(live);
  expect(isWanted(channel("arena-2", { session: null, coverage: "idle" }), { only, search })).toBe(ended);
});

test("by risk the least trusted is first, whatever is asked of it", () => {
  const rows = [
    warned("grave", 5),
    channel("fixed", { cadence: { score: null } as ChannelRow["cadence"] }),
    channel("doubted", { cadence: { score: 0.2 } as ChannelRow["cadence"] }),
    channel("doubted-too", { cadence: { score: 0.2 } as ChannelRow["cadence"] }),
  ];
  const order = ordered(rows, [warning("grave", "2026-01-01T00:00:00Z")], { only: "all", search: "", by: "risk" }, now);
  expect(order).toEqual(["doubted", "doubted-too", "grave", "fixed"]);
});
