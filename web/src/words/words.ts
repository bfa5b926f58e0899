// The server's closed lists, in words for people. A value that is not known here is shown as it is.

import type { Schemas } from "../api/client";
import { interval } from "./time";

export type Cause = Schemas["CadenceBecause"];

const CAUSES: Record<Cause, string> = {
  session_began: "a broadcast began",
  policy_changed: "its policy changed",
  hit: "a rule was hit",
  near_miss: "a label came near a threshold",
  reconnected: "it came back soon after a stop",
  upheld: "a warning was upheld",
  viewers_rose: "many more people came to watch",
  calm: "what called for a closer watch is over",
  trust: "its reputation rose",
  distrust: "its reputation fell",
  adjusted: "a person set its reputation",
  adjustment_over: "what a person had set is over",
  budget: "the budget of provider calls ran short",
  budget_eased: "the budget has room again",
};

export function cadenceWords(cadence: Schemas["ChannelCadence"] | null | undefined): string {
  if (!cadence) return "no cadence yet";
  return `every ${interval(cadence.pace.interval_ms)}, because ${CAUSES[cadence.because] ?? cadence.because}`;
}

export function causeWords(because: Cause): string {
  return CAUSES[because] ?? String(because);
}

const UNWATCHED: Record<Schemas["UnwatchedBecause"], string> = {
  failed: "its frames fail",
  no_input: "no frames arrive",
  overloaded: "frames are dropped for want of room",
  quarantined: "the channel is quarantined",
  no_policy: "no policy watches it",
};

export function unwatchedWords(because: Schemas["UnwatchedBecause"]): string {
  return UNWATCHED[because] ?? String(because);
}

const UNJUDGED: Record<Schemas["UnjudgedBecause"], string> = {
  no_input: "the policy asks for it and none arrives",
  passed_over: "the policy asks for it; it arrives too late, or there is no room for it",
};

/** Why nobody judges a medium of the segments. */
export function unjudgedWords(because: Schemas["UnjudgedBecause"]): string {
  return UNJUDGED[because] ?? String(because);
}

const SKIPPED: Record<string, string> = {
  too_soon: "before it was due",
  similar: "as before",
  gave_way: "gave way to others: budget",
  overloaded: "no room",
  superseded: "a newer one took its place",
  stale: "too late to matter",
  other_source: "another source is judged",
  other_session: "its broadcast had ended",
  no_policy: "no policy",
  unsupported: "not a kind that is judged",
  no_track: "the segment has no such track",
};

const FAILED: Record<string, string> = {
  fetch: "could not be fetched",
  decode: "could not be decoded",
  provider: "the provider failed",
  no_provider: "no provider",
  deadline: "out of time",
  warden: "the warden broke",
};

/** What became of a frame: a word for the badge, and its tone. */
export function outcomeWords(outcome: Schemas["LastOutcome"]): { text: string; tone: Tone } {
  if ("assessed" in outcome) {
    const verdict = outcome.assessed;
    return { text: verdict, tone: verdict === "clear" ? "calm" : verdict === "stop" ? "grave" : "warn" };
  }
  if ("skipped" in outcome) return { text: SKIPPED[String(outcome.skipped)] ?? String(outcome.skipped), tone: "quiet" };
  return { text: FAILED[String(outcome.failed)] ?? String(outcome.failed), tone: "broken" };
}

/** Never the only sign: each comes with a word or a shape. */
export type Tone = "calm" | "quiet" | "warn" | "grave" | "broken" | "shadow";

export function severityTone(severity: number): Tone {
  return severity >= 4 ? "grave" : "warn";
}

type LedToStage = Schemas["LedToStage"];

/** The steps of a stop in their order, for the progress. */
export const STEPS = ["requested", "admitted", "attempted", "succeeded", "verified"] as const;

export function stageWords(
  stage: LedToStage,
  kind: Schemas["EnforcementKind"] = "stop",
): { name: string; text: string; ended: boolean; tone: Tone } {
  if (typeof stage === "string") {
    const words: Record<string, [string, boolean, Tone]> = {
      requested: ["asked for", false, "warn"],
      admitted: ["may go ahead", false, "warn"],
      verified: [kind === "lift" ? "verified: the channel has a new key" : "verified: seen off the air", true, "calm"],
      not_needed: [
        kind === "lift" ? "not needed: nothing was revoked" : "not needed: nothing was on the air",
        true,
        "calm",
      ],
      failed: ["FAILED: a person must act", true, "grave"],
      cancelled: ["called off before it was tried", true, "quiet"],
    };
    const [text, ended, tone] = words[stage] ?? [stage, false, "quiet"];
    return { name: stage, text, ended, tone };
  }
  if ("held" in stage)
    return {
      name: "held",
      text: "held: the automatic budget is spent; a person is asked",
      ended: false,
      tone: "grave",
    };
  if ("attempted" in stage)
    return { name: "attempted", text: `try ${stage.attempted} under way`, ended: false, tone: "warn" };
  if ("succeeded" in stage)
    return { name: "succeeded", text: "the platform accepted it; being verified", ended: false, tone: "warn" };
  return {
    name: "superseded",
    text: "superseded: another broadcast is on the air, which nobody judged",
    ended: true,
    tone: "broken",
  };
}

export function kindWords(kind: Schemas["EnforcementKind"]): string {
  return kind === "stop" ? "Stop" : kind === "suspend" ? "Stop and revoke the key" : "Lift the suspension";
}

export function asksWords(asks: Schemas["AsksBecause"]): string {
  if (typeof asks === "object" && "too_few_rules" in asks) {
    const { met, needed, within_ms } = asks.too_few_rules;
    return `only ${met} of ${needed} rules were met within ${interval(within_ms)}`;
  }
  const words: Record<string, string> = {
    late: "the frame came late: what it shows may be over",
    unnamed: "nobody knows by name which broadcast the frame is of",
    propose_only: "the policy proposes every stop to a person",
    second_disagrees: "the second provider does not agree",
    no_second: "the second provider gave no answer",
    second_not_asked: "about sound and clips no second provider is asked",
    second_decided: "the second provider is the one that decided",
    no_policy: "no policy watches the channel any more",
  };
  return words[asks as string] ?? JSON.stringify(asks);
}

/** Why a warning needs no answer any more. */
export function passedWords(because: Schemas["LapsedBecause"]): string {
  const words: Record<Schemas["LapsedBecause"], string> = {
    watched_again: "the channel is watched again",
    judged_again: "sound or clips are judged again",
    not_asked_for: "no policy asks for them any more",
    session_over: "the broadcast is over",
  };
  return words[because] ?? String(because);
}

/** What of the stream was judged. */
export const MEDIA: Record<Schemas["Medium"], string> = { picture: "picture", clip: "clip", sound: "sound" };

/** ` (sound)`; nothing of a picture, which most are. */
export function ofMedium(medium: Schemas["Medium"] | undefined): string {
  return medium && medium !== "picture" ? ` (${MEDIA[medium]})` : "";
}

/** What a warning is about that says that frames of a medium could not be judged. */
export function unavailableWords(medium: Schemas["Medium"]): string {
  const words: Record<Schemas["Medium"], string> = {
    picture: "Nobody could look: this warning is about the channel being unwatched, not about a picture.",
    clip: "Clips of the channel could not be judged again and again: this warning asks you to watch it move. Nothing was seen.",
    sound:
      "The channel's sound could not be judged again and again: this warning asks you to listen. Nothing was heard.",
  };
  return words[medium];
}

/** `Violence › Weapons` */
export function labelWords(path: string): string {
  return path.split("/").join(" › ");
}

/** A provider's label, and what it counts as in a policy's words where those are others. */
export function countedWords(path: string, countsAs: readonly string[] | null | undefined): string {
  const counted = countsAs && countsAs.length > 0 ? `, counts as ${countsAs.map(labelWords).join(" and ")}` : "";
  return labelWords(path) + counted;
}

/** Percentage points of a margin, which comes in thousandths of a percent. */
export function margin(milli: number): string {
  const points = milli / 1000;
  return `${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`;
}
