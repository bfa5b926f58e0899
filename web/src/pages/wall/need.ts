// How much a channel needs somebody, as one number: what the wall is ordered by. Pure, and stated in one place, because
// somebody will ask why a channel was not on top.

import type { ChannelRow, WarningRow } from "../../live/store";

/** Open warnings go before any blindness, that before any deafness, and that before any doubt. */
const OF_WARNINGS = 1e9;
const OF_BLINDNESS = 1e6;
const OF_DEAFNESS = 1e3;

export interface Need {
  /** The greater, the higher on the wall. */
  weight: number;
  why: "warning" | "unwatched" | "unjudged" | "doubt" | "none";
}

/** An unanswered warning of one severity weighs as much as one of the next lower when it is ten times as old. */
export function needOf(row: ChannelRow, oldest: ReadonlyMap<string, number>, now: number): Need {
  if (row.open_warnings > 0) {
    const age = Math.max(1, (now - (oldest.get(row.channel) ?? now)) / 1000);
    return { weight: OF_WARNINGS * ((row.worst_severity ?? 1) + Math.min(4, Math.log10(age)) / 1.01), why: "warning" };
  }
  const { coverage } = row;
  if (typeof coverage === "object" && "unwatched" in coverage) {
    const blind = Math.max(0, now - Date.parse(coverage.unwatched.since)) / 1000;
    return { weight: OF_BLINDNESS + Math.min(blind, OF_BLINDNESS), why: "unwatched" };
  }
  if (row.unjudged.length > 0) {
    const since = Math.min(...row.unjudged.map((one) => Date.parse(one.since)));
    const deaf = Math.max(0, now - since) / 1000;
    return { weight: OF_DEAFNESS + Math.min(deaf, OF_BLINDNESS / 2), why: "unjudged" };
  }
  if (!row.session) return { weight: -1, why: "none" };
  // The lower the score the likelier is harm; a channel without one is not known yet.
  const doubt = 1 - (row.cadence?.score ?? 0.5);
  return { weight: doubt, why: "doubt" };
}

/** When the oldest open warning of each channel was raised, in milliseconds. */
export function oldestOpen(warnings: Iterable<WarningRow>): Map<string, number> {
  const oldest = new Map<string, number>();
  for (const row of warnings) {
    if (row.standing !== "open" && row.standing !== "claimed_by_another") continue;
    const raised = Date.parse(row.raised_at);
    const known = oldest.get(row.channel);
    if (known === undefined || raised < known) oldest.set(row.channel, raised);
  }
  return oldest;
}

export type Only = "all" | "warnings" | "unwatched";

/** By what the wall is ordered: by who needs somebody most, or by who is trusted least, whatever happens there. */
export type By = "need" | "risk";

export interface Wanted {
  only: Only;
  search: string;
  by?: By;
}

export function isWanted(row: ChannelRow, wanted: Wanted): boolean {
  const { coverage } = row;
  const blind = typeof coverage === "object" && "unwatched" in coverage;
  const live = row.session !== null && row.session !== undefined;
  const passes =
    wanted.only === "warnings"
      ? row.open_warnings > 0
      : wanted.only === "unwatched"
        ? blind
        : live || row.open_warnings > 0;
  return passes && isFound(row, wanted.search);
}

/** Whether a channel or its policy has every word of a search in its name. */
export function isFound(row: ChannelRow, search: string): boolean {
  const words = search.trim().toLowerCase();
  return words === "" || words.split(/\s+/).every((word) => searched(row).includes(word));
}

function searched(row: ChannelRow): string {
  return `${row.channel} ${row.cadence?.policy.id ?? ""}`.toLowerCase();
}

/** The lower the score the greater; below all of them where no score has a say. The server's `order=risk` is the same. */
export function riskOf(row: ChannelRow): number {
  return row.cadence?.score == null ? -1 : 1 - row.cadence.score;
}

/** The ids of the wall, in order of need or of risk; among equals by id, so that nothing moves without a reason. */
export function ordered(
  rows: Iterable<ChannelRow>,
  warnings: Iterable<WarningRow>,
  wanted: Wanted,
  now: number,
): string[] {
  const oldest = oldestOpen(warnings);
  const weighed: [string, number][] = [];
  const weightOf = wanted.by === "risk" ? riskOf : (row: ChannelRow) => needOf(row, oldest, now).weight;
  for (const row of rows) if (isWanted(row, wanted)) weighed.push([row.channel, weightOf(row)]);
  return weighed.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
}
