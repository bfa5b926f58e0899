// Every key of the pages, in one list. What is printed on the buttons, what the overlay shows and what is listened for
// are made from it; a test refuses two that could be meant at once.

/** Where a key means something. `everywhere` holds together with every other place but a dialog. */
export type Place = "everywhere" | "list" | "case" | "audit" | "policy" | "dialog";

export interface Binding {
  /** As in `KeyboardEvent.key`; `Shift+`, `Ctrl+` before it; `g w` is one after the other. */
  keys: string;
  does: string;
  places: readonly Place[];
  /** Acts for as long as it is held. */
  held?: true;
  /** Also while somebody writes. */
  whileWriting?: true;
}

export const BINDINGS = {
  help: { keys: "?", does: "Show all keys", places: ["everywhere"] },
  search: { keys: "/", does: "Search this page", places: ["everywhere"] },
  go_wall: { keys: "g w", does: "Go to the wall", places: ["everywhere"] },
  go_queue: { keys: "g q", does: "Go to the queue", places: ["everywhere"] },
  go_overview: { keys: "g o", does: "Go to the overview", places: ["everywhere"] },
  go_audit: { keys: "g a", does: "Go to the audit", places: ["everywhere"] },
  go_policies: { keys: "g p", does: "Go to the policies", places: ["everywhere"] },
  go_settings: { keys: "g s", does: "Go to your settings", places: ["everywhere"] },
  next_urgent: { keys: "g n", does: "Open the most urgent warning", places: ["everywhere"] },
  down: { keys: "j", does: "Next in the list", places: ["list", "case", "audit"] },
  up: { keys: "k", does: "The one before in the list", places: ["list", "case", "audit"] },
  open: { keys: "Enter", does: "Open what is selected", places: ["list", "audit"] },
  reorder: { keys: ".", does: "Put the list in order again", places: ["list", "case"] },
  claim: { keys: "c", does: "Claim the warning, or claim it again", places: ["case"] },
  release: { keys: "Shift+C", does: "Give your claim back", places: ["case"] },
  uphold: { keys: "u", does: "Uphold: it is what the rule says", places: ["case"] },
  dismiss: { keys: "d", does: "Dismiss: it is not", places: ["case"] },
  withdraw: { keys: "z", does: "Take your answer back", places: ["case"] },
  escalate: { keys: "e", does: "Hand to somebody else", places: ["case"] },
  note: { keys: "n", does: "Write a note", places: ["case"] },
  overturn: { keys: "o", does: "Overturn on appeal…", places: ["case"] },
  stop: { keys: "s", does: "Stop the broadcast…", places: ["case"] },
  suspend: { keys: "x", does: "Stop it and revoke the key…", places: ["case"] },
  lift: { keys: "l", does: "Lift a suspension…", places: ["case"] },
  admit: { keys: "a", does: "Let a held stop go ahead…", places: ["case"] },
  reveal: { keys: "r", does: "Reveal the picture, while held", places: ["case"], held: true },
  earlier: { keys: "ArrowLeft", does: "Frame before", places: ["case", "audit"] },
  later: { keys: "ArrowRight", does: "Frame after", places: ["case", "audit"] },
  first_hit: { keys: "f", does: "First hit", places: ["case"] },
  worst_hit: { keys: "w", does: "Worst hit", places: ["case"] },
  channel: { keys: "v", does: "View the channel", places: ["case", "list"] },
  confirm: { keys: "Ctrl+Enter", does: "Confirm", places: ["dialog"], whileWriting: true },
  cancel: { keys: "Escape", does: "Close without doing anything", places: ["dialog"], whileWriting: true },
  publish: { keys: "Ctrl+s", does: "Check, compare and publish…", places: ["policy"], whileWriting: true },
  dry_run: { keys: "Ctrl+Enter", does: "Try it on the past", places: ["policy"], whileWriting: true },
} as const satisfies Record<string, Binding>;

export type BindingId = keyof typeof BINDINGS;

export function bindingOf(id: BindingId): Binding {
  return BINDINGS[id];
}

/** Whether it is made of characters alone: keys that speech input and a slipped hand press too, and that a person may
 * therefore switch off (WCAG 2.1.4). */
export function isOfCharacters(keys: string): boolean {
  return keys.split(" ").every((chord) => chord.replace(/^Shift\+/, "").length === 1);
}

/** Whether two bindings could be meant by one key press. */
export function collide(a: Binding, b: Binding): boolean {
  const together = a.places.some(
    (place) =>
      b.places.includes(place) ||
      (place === "everywhere" && b.places.some((other) => other !== "dialog")) ||
      (place !== "dialog" && b.places.includes("everywhere")),
  );
  if (!together) return false;
  // `g` followed by another key is begun by `g` alone.
  const [first, second] = [a.keys.split(" "), b.keys.split(" ")];
  const short = Math.min(first.length, second.length);
  return first.slice(0, short).join(" ") === second.slice(0, short).join(" ");
}

/** The parts of a key, as they are printed. */
export function printed(keys: string): string[] {
  const names: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", Enter: "⏎", Escape: "Esc" };
  return keys
    .split(" ")
    .flatMap((chord) => chord.split("+").map((key) => names[key] ?? (key.length === 1 ? key.toUpperCase() : key)));
}

/** As in `aria-keyshortcuts`. */
export function ariaShortcut(keys: string): string {
  return keys
    .split("+")
    .map((key) => (key === "Ctrl" ? "Control" : key))
    .join("+");
}
