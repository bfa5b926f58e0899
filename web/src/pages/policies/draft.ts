// A text that is not published yet, kept through a reload in this tab's own store.

export interface Draft {
  text: string;
  /** The version in force when it was begun; 0 if none was. */
  base: number;
  at: number;
}

const place = (policy: string) => `streamwarden.draft.${policy}`;

export function draftOf(policy: string): Draft | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(place(policy)) ?? "null");
    if (typeof found !== "object" || found === null) return null;
    const { text, base, at } = found as Partial<Draft>;
    return typeof text === "string" && typeof base === "number" && typeof at === "number" ? { text, base, at } : null;
  } catch {
    return null; // a browser that keeps nothing, or something that is not ours
  }
}

export function keepDraft(policy: string, draft: Draft | null): void {
  try {
    if (draft) sessionStorage.setItem(place(policy), JSON.stringify(draft));
    else sessionStorage.removeItem(place(policy));
  } catch {
    // kept until the page is closed
  }
}
