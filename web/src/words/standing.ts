// How a warning stands in the story of a decision, in words.

import type { Schemas } from "../api/client";
import { moment } from "./time";
import { passedWords, type Tone } from "./words";

export function standingWords(standing: Schemas["Standing"]): { text: string; tone: Tone } {
  if (standing === "open") return { text: "open", tone: "warn" };
  if ("claimed" in standing)
    return { text: `claimed by ${standing.claimed.by} until ${moment(standing.claimed.until)}`, tone: "warn" };
  if ("upheld" in standing) return { text: `upheld by ${standing.upheld.by}`, tone: "grave" };
  if ("dismissed" in standing) return { text: `dismissed by ${standing.dismissed.by}`, tone: "calm" };
  if ("overturned" in standing)
    return {
      text: `overturned by ${standing.overturned.by}; ${standing.overturned.upheld_by} had upheld it`,
      tone: "warn",
    };
  return {
    text: `lapsed: ${passedWords(standing.lapsed.because)}`,
    tone: "quiet",
  };
}

const STAGES: Record<Schemas["Stage"], { text: string; tone: Tone }> = {
  requested: { text: "asked for", tone: "warn" },
  admitted: { text: "may go ahead", tone: "warn" },
  held: { text: "held: a person is asked", tone: "grave" },
  attempted: { text: "being tried", tone: "warn" },
  succeeded: { text: "accepted, being verified", tone: "warn" },
  verified: { text: "verified", tone: "calm" },
  not_needed: { text: "not needed", tone: "calm" },
  superseded: { text: "superseded", tone: "broken" },
  failed: { text: "failed", tone: "grave" },
  cancelled: { text: "called off", tone: "quiet" },
};

export function stageOf(stage: Schemas["Stage"]): { text: string; tone: Tone } {
  return STAGES[stage] ?? { text: stage, tone: "quiet" };
}

const KEPT: Record<Schemas["Kept"], string> = {
  kept: "kept, encrypted",
  erased: "erased: its key was destroyed, and nobody can look at it any more",
  expired: "deleted: the time for which pictures are kept is over",
  not_kept: "not kept",
  unreadable: "kept, but it cannot be read",
};

export function keptWords(kept: Schemas["Kept"]): string {
  return KEPT[kept] ?? kept;
}
