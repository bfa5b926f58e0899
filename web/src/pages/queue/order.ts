// The queue's order, and what is in it.

import type { WarningRow } from "../../live/store";

const STANDING: Record<WarningRow["standing"], number> = { open: 0, claimed_by_another: 1, answered: 2, lapsed: 3 };

/** First what nobody else works on; then the graver; of the equally grave, what has waited longer. */
export function byUrgency(a: WarningRow, b: WarningRow): number {
  return (
    STANDING[a.standing] - STANDING[b.standing] ||
    b.severity - a.severity ||
    Date.parse(a.raised_at) - Date.parse(b.raised_at) ||
    a.position - b.position
  );
}

export function isOpen(row: WarningRow): boolean {
  return row.standing === "open" || row.standing === "claimed_by_another";
}

/** Open warnings, or null while nothing is known of them. */
export function openWarnings(rows: ReadonlyMap<string, WarningRow>, known: boolean): WarningRow[] | null {
  if (!known) return null;
  return [...rows.values()].filter(isOpen);
}

export function overdue(rows: readonly WarningRow[], now: number): number {
  return rows.filter((row) => Date.parse(row.due_at) < now).length;
}

/**
 * The order that is shown, while the reader has it in their hands: rows keep their places, those that are gone leave
 * theirs, and new ones wait until the list is put in order again.
 */
export function held(
  shown: readonly string[],
  wanted: readonly string[],
): { order: string[]; waiting: number; moved: number } {
  const there = new Set(wanted);
  const order = shown.filter((id) => there.has(id));
  const has = new Set(order);
  const inOrder = wanted.filter((id) => has.has(id));
  return { order, waiting: wanted.length - inOrder.length, moved: order.filter((id, i) => inOrder[i] !== id).length };
}
