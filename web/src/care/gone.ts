// Why a picture, or what was said, is not there any more, in words: erased on somebody's request, or kept for as long as
// it was to be.

import { Refused } from "../api/client";
import { fullMoment } from "../words/time";

/** Says why; null if it is not gone, but missing for another reason. */
export function goneWords(error: unknown, what: string): string | null {
  if (!(error instanceof Refused) || error.status !== 410) return null;
  const { because, erased_at: at } = error.body;
  if (because === "expired") return `${what} was deleted: the time for which it is kept is over.`;
  return typeof at === "string" ? `${what} was erased on ${fullMoment(at)}.` : `${what} was erased.`;
}
