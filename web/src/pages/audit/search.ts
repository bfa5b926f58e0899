// What is searched for, as the page's address says it: the address is the permalink, and nothing else is kept.

import type { Filter } from "../../api/events";
import { KINDS, type Kind } from "../../words/events";

export const FIELDS = [
  "kind",
  "verdict",
  "channel",
  "rule",
  "label",
  "policy",
  "moderator",
  "from",
  "to",
  "basis",
] as const;

export type Field = (typeof FIELDS)[number];

/** Every field, empty where it says nothing. */
export type Wanted = Record<Field, string>;

export function wantedOf(search: URLSearchParams): Wanted {
  return Object.fromEntries(FIELDS.map((field) => [field, search.get(field) ?? ""])) as Wanted;
}

export function searchOf(wanted: Wanted): URLSearchParams {
  const search = new URLSearchParams();
  for (const field of FIELDS) {
    const value = wanted[field].trim();
    if (value && !(field === "basis" && value === "recorded")) search.set(field, value);
  }
  return search;
}

/** `2026-01-02T03:04` of the reader's own zone, as the API has it; none if it is no moment. */
export function instantOf(local: string): string | undefined {
  const at = Date.parse(local);
  return local && Number.isFinite(at) ? new Date(at).toISOString() : undefined;
}

/** The other way, for the field. */
export function localOf(instant: string): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** What the API is asked for. Without a kind, decisions about frames are meant. */
export function filterOf(wanted: Wanted): Filter {
  const kind = wanted.kind || "verdicts";
  const filter: Filter = {};
  if (kind !== "everything" && kind in KINDS) filter.type = KINDS[kind as Kind].types.join(",");
  for (const field of ["verdict", "channel", "rule", "label", "policy", "moderator"] as const) {
    const value = wanted[field].trim();
    if (value) filter[field] = value;
  }
  const basis = wanted.basis === "captured" ? "captured" : "recorded";
  const [from, to] = [instantOf(wanted.from), instantOf(wanted.to)];
  if (from) filter[`${basis}_from`] = from;
  if (to) filter[`${basis}_to`] = to;
  return filter;
}

/** An export of the same. One channel's is read from its own list, and not picked out of everybody's. */
export function exportOf(wanted: Wanted, format: "ndjson" | "csv"): string {
  const { channel, ...filter } = filterOf(wanted);
  const isOne = channel !== undefined && !/[*,]/.test(channel);
  const path = isOne ? `/v1/channels/${encodeURIComponent(channel)}/events` : "/v1/events";
  const query = { format, ...(channel !== undefined && !isOne && { channel }), ...filter };
  return `${path}?${new URLSearchParams(query as Record<string, string>)}`;
}
