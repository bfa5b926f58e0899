// What events say, in words for people, and the kinds that they are filtered by. The payloads are the journal's own
// (schemas/events.json); of a type that is not known here, its name is shown.

import type { Schemas } from "../api/client";
import { interval, lasting } from "./time";
import {
  asksWords,
  causeWords,
  labelWords,
  MEDIA,
  margin,
  ofMedium,
  passedWords,
  severityTone,
  type Tone,
  unjudgedWords,
  unwatchedWords,
} from "./words";

export type RecordedEvent = Schemas["RecordedEvent"];

export const KINDS = {
  verdicts: { name: "Decisions", types: ["FrameAssessed", "FrameFailed", "FrameConflict"] },
  skips: { name: "Skipped frames", types: ["FrameSkipped"] },
  warnings: {
    name: "Warnings",
    types: [
      "WarningRaised",
      "WarningClaimed",
      "WarningReleased",
      "WarningUpheld",
      "WarningDismissed",
      "WarningAnswerWithdrawn",
      "WarningEscalated",
      "WarningNoted",
      "WarningLapsed",
      "WarningOverturned",
    ],
  },
  stops: {
    name: "Stops",
    types: [
      "EnforcementRequested",
      "EnforcementAdmitted",
      "EnforcementHeld",
      "EnforcementAttempted",
      "EnforcementSucceeded",
      "EnforcementVerified",
      "EnforcementNotNeeded",
      "EnforcementSuperseded",
      "EnforcementFailed",
      "EnforcementCancelled",
    ],
  },
  watch: { name: "Cadence and reputation", types: ["CadenceChanged", "ReputationAdjusted"] },
  coverage: {
    name: "Coverage",
    types: ["ChannelWatched", "ChannelUnwatched", "ChannelQuarantined", "SegmentsUnjudged"],
  },
  broadcasts: { name: "Broadcasts", types: ["SessionStarted", "SessionEnded"] },
  pictures: {
    name: "Pictures",
    types: [
      "EvidenceStored",
      "EvidenceCopied",
      "EvidenceUnkept",
      "EvidenceExpired",
      "EvidenceRead",
      "ErasureRequested",
      "ContentErased",
      "CopiesErased",
    ],
  },
  opinions: { name: "Other providers", types: ["OpinionGiven"] },
  outside: { name: "Decided outside", types: ["DecisionReceived"] },
  shadow: { name: "Shadow", types: ["ShadowVerdict"] },
  policies: { name: "Policies", types: ["PolicyPublished", "PolicyRetired", "PolicyShadowed", "PolicyUnshadowed"] },
  system: {
    name: "The system itself",
    types: [
      "NotificationRejected",
      "InputGap",
      "ProviderSuspended",
      "ProviderResumed",
      "ConsumerCreated",
      "ConsumerDeleted",
      "ConsumerRewound",
      "EntryParked",
      "EntryUnparked",
      "EntrySettled",
      "ReplayStarted",
      "ReplayEnded",
      "StoreOpened",
      "StoreClosed",
      "SegmentSealed",
      "DataLossAccepted",
      "ExportMade",
    ],
  },
} as const satisfies Record<string, { name: string; types: readonly string[] }>;

export type Kind = keyof typeof KINDS;

export function kindOf(type: string): Kind {
  for (const [kind, { types }] of Object.entries(KINDS)) {
    if ((types as readonly string[]).includes(type)) return kind as Kind;
  }
  return "system";
}

export interface EventWords {
  /** In a word or two, for the badge. */
  what: string;
  tone: Tone;
  /** The rest, in a sentence without its end; may be empty. */
  text: string;
  /** The frame whose decision it is about. */
  frame?: string;
  /** The warning it is about. */
  warning?: string;
  /** The enforcement it is about. */
  enforcement?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: payloads are typed by the journal's schema, not by the API's
type Payload = any;

const SHORT = 8;

/** The first characters of an id: enough to tell two apart at a glance. */
export function short(id: unknown): string {
  return String(id).slice(0, SHORT);
}

export function eventWords({ type, payload }: Pick<RecordedEvent, "type" | "payload">): EventWords {
  const words = WORDS[type];
  if (!words) return { what: type, tone: "quiet", text: "" };
  try {
    const p = payload as Payload;
    return {
      frame: typeof p?.frame === "string" ? p.frame : undefined,
      warning: typeof p?.warning === "string" ? p.warning : undefined,
      enforcement: typeof p?.enforcement === "string" ? p.enforcement : undefined,
      ...words(p),
    };
  } catch {
    // A payload of another shape than today's: its name stands, and the raw event says the rest.
    return { what: type, tone: "quiet", text: "" };
  }
}

type Said = Omit<EventWords, "frame" | "warning" | "enforcement">;

const WORDS: Record<string, (p: Payload) => Said> = {
  SessionStarted: (p) => ({
    what: "on the air",
    tone: "quiet",
    text: p.because === "announced" ? "the platform announced the broadcast" : "its first frame arrived",
  }),
  SessionEnded: (p) => ({
    what: "off the air",
    tone: "quiet",
    text: { announced: "the platform announced the end", another_began: "another began", stopped: "it was stopped" }[
      p.because as "announced"
    ],
  }),
  FrameSkipped: (p) => ({ what: "not judged", tone: "quiet", text: skipWords(p.because) + ofMedium(p.medium) }),
  FrameAssessed: (p) => ({
    what: p.verdict,
    tone: p.verdict === "clear" ? "calm" : p.verdict === "stop" ? "grave" : "warn",
    text: assessedWords(p),
  }),
  FrameFailed: (p) => ({
    what: "failed",
    tone: "broken",
    text: `${stageOf(p.stage)}${ofMedium(p.medium)}: ${p.reason}${p.attempts > 1 ? ` (${p.attempts} attempts)` : ""}`,
  }),
  FrameConflict: () => ({
    what: "conflict",
    tone: "broken",
    text: "another notification came under this frame's id; the first outcome stays",
  }),
  OpinionGiven: (p) => ({
    what: `${p.provider.name}, ${String(p.role).replace("_", " ")}`,
    tone: p.said.nothing ? "broken" : "shadow",
    text: p.said.nothing ? `no answer: ${p.said.nothing.reason}` : `it hit ${list(p.said.answer.hits ?? [])}`,
  }),
  DecisionReceived: (p) => ({
    what: "decided outside",
    tone: p.then === "stop" || p.then === "suspend" ? "grave" : p.then ? "warn" : "quiet",
    text: `${p.action} by ${p.by}${p.then ? `, which means ${p.then} here` : ", which is only recorded"}`,
  }),
  ShadowVerdict: (p) => ({
    what: `shadow: ${p.verdict}`,
    tone: "shadow",
    text: `${ref(p.policy)}, which decides nothing, by ${list(p.rules.map((rule: Payload) => rule.rule))}`,
  }),
  ChannelWatched: (p) => ({
    what: "watched again",
    tone: "calm",
    text: `after ${lasting(p.unwatched_ms)} in which nobody looked`,
  }),
  ChannelUnwatched: (p) => ({ what: "unwatched", tone: "broken", text: unwatchedWords(p.because) }),
  SegmentsUnjudged: (p: { medium: Schemas["Medium"]; because: Schemas["UnjudgedBecause"] }) => ({
    what: `${MEDIA[p.medium]} unjudged`,
    tone: "broken",
    text: unjudgedWords(p.because),
  }),
  ChannelQuarantined: (p) => ({ what: "quarantined", tone: "broken", text: p.reason }),
  CadenceChanged: (p) => ({
    what: "cadence",
    tone: "quiet",
    text: `every ${interval(p.to.interval_ms)}${
      p.from ? ` instead of every ${interval(p.from.interval_ms)}` : ""
    }: ${causeWords(p.because)}${p.score == null ? "" : `, reputation ${p.score.toFixed(2)}`}`,
  }),
  ReputationAdjusted: (p) => ({ what: "reputation set", tone: "warn", text: `${changeWords(p.change)} by ${p.by}` }),
  WarningRaised: (p) => ({
    what: "warning",
    tone: severityTone(p.severity),
    text: p.label
      ? `${p.rule} by ${labelWords(p.label[0])} ${p.label[1].toFixed(1)} % (${margin(p.margin)}), severity ${p.severity}${
          p.asks ? `; a person is asked: ${asksWords(p.asks)}` : ""
        }`
      : p.decided_by
        ? `${p.decided_by.by} decided ${p.decided_by.action}, severity ${p.severity}${
            p.asks ? `; a person is asked: ${asksWords(p.asks)}` : ""
          }`
        : `its frames${ofMedium(p.medium)} cannot be judged, severity ${p.severity}`,
  }),
  WarningClaimed: (p) => ({ what: "claimed", tone: "quiet", text: `by ${p.by}` }),
  WarningReleased: (p) => ({
    what: "claim over",
    tone: "quiet",
    text: p.lapsed ? "it lapsed" : `given back by ${p.by}`,
  }),
  WarningUpheld: (p) => ({ what: "upheld", tone: "grave", text: `by ${p.by}: it is what the rule says` }),
  WarningDismissed: (p) => ({ what: "dismissed", tone: "calm", text: `by ${p.by}: it is not` }),
  WarningAnswerWithdrawn: (p) => ({ what: "answer taken back", tone: "warn", text: `by ${p.by}: it is open again` }),
  WarningEscalated: (p) => ({
    what: "handed on",
    tone: "warn",
    text: `by ${p.by}${p.to ? ` to ${p.to}` : " to anybody else"}`,
  }),
  WarningNoted: (p) => ({ what: "note", tone: "quiet", text: `by ${p.by}` }),
  WarningLapsed: (p) => ({
    what: "lapsed",
    tone: "quiet",
    text: passedWords(p.because),
  }),
  WarningOverturned: (p) => ({
    what: "overturned",
    tone: "warn",
    text: `by ${p.by} on appeal; ${p.upheld_by} had upheld it`,
  }),
  EnforcementRequested: (p) => ({
    what: p.kind === "lift" ? "lift asked for" : `${p.kind} asked for`,
    tone: "grave",
    text: p.origin.rule
      ? `by rule ${p.origin.rule.rule} of ${ref(p.origin.rule.policy)}, without a person`
      : p.origin.external
        ? `by ${p.origin.external.action} of ${p.origin.external.by}, without a person`
        : `by ${p.origin.person.by}`,
  }),
  EnforcementAdmitted: (p) => ({
    what: "may go ahead",
    tone: "quiet",
    text: p.by ? `${p.by} let it` : "within the budget",
  }),
  EnforcementHeld: (p) => ({ what: "held", tone: "grave", text: `${budgetWords(p.budget)}; a person is asked` }),
  EnforcementAttempted: (p) => ({ what: "tried", tone: "quiet", text: `attempt ${p.attempt}` }),
  EnforcementSucceeded: (p) => ({ what: "accepted", tone: "quiet", text: `by the platform, at attempt ${p.attempt}` }),
  EnforcementVerified: (p) => ({
    what: "verified",
    tone: "calm",
    text: `seen to have worked, ${interval(p.took_ms)} after it was asked for`,
  }),
  EnforcementNotNeeded: (p) => ({
    what: "not needed",
    tone: "calm",
    text: p.because === "already_offline" ? "it was off the air already" : "nothing was suspended",
  }),
  EnforcementSuperseded: () => ({
    what: "superseded",
    tone: "broken",
    text: "another broadcast is on the air, which nobody judged: it is not touched",
  }),
  EnforcementFailed: (p) => ({
    what: "stop failed",
    tone: "grave",
    text: `${p.reason} (${p.attempts} attempts): a person must act`,
  }),
  EnforcementCancelled: (p) => ({
    what: "called off",
    tone: "quiet",
    text: p.by ? `by ${p.by}, before it was tried` : "before it was tried",
  }),
  PolicyPublished: (p) => ({ what: "policy in force", tone: "warn", text: ref(p.policy) }),
  PolicyRetired: (p) => ({ what: "policy retired", tone: "warn", text: ref(p.policy) }),
  PolicyShadowed: (p) => ({ what: "policy in shadow", tone: "shadow", text: ref(p.policy) }),
  PolicyUnshadowed: (p) => ({ what: "shadow ended", tone: "shadow", text: ref(p.policy) }),
  NotificationRejected: (p) => ({ what: "not understood", tone: "broken", text: `from ${p.source}: ${p.reason}` }),
  InputGap: (p) => ({ what: "input missing", tone: "broken", text: `from ${p.source}, ${p.from} to ${p.to}` }),
  ProviderSuspended: (p) => ({
    what: "provider suspended",
    tone: "broken",
    text: `${p.provider.name}${ofMedium(p.medium)} failed ${p.failures} times: ${p.because}`,
  }),
  ProviderResumed: (p) => ({
    what: "provider back",
    tone: "calm",
    text: `${p.provider.name}${ofMedium(p.medium)}`,
  }),
  EvidenceStored: (p) => ({ what: "picture kept", tone: "quiet", text: `${kilobytes(p.content.bytes)}, encrypted` }),
  EvidenceCopied: (p) => ({ what: "picture copied", tone: "quiet", text: `into ${p.object.bucket}` }),
  EvidenceUnkept: (p) => ({ what: "picture not kept", tone: "broken", text: `in the ${p.place}: ${p.reason}` }),
  EvidenceExpired: (p) => ({
    what: p.transcripts ? "words expired" : "pictures expired",
    tone: "quiet",
    text: `${p.transcripts ? `${p.transcripts} transcripts` : `${p.pictures} pictures`}, kept before ${p.kept_before}`,
  }),
  EvidenceRead: () => ({ what: "picture seen", tone: "quiet", text: "a person looked at it" }),
  ErasureRequested: (p) => ({
    what: "erasure asked for",
    tone: "broken",
    text: `${p.what.channel ? `${p.what.channel.content} of ${p.what.channel.channel}` : `what ${p.what.person} wrote`}: ${p.reason}`,
  }),
  ContentErased: (p) => ({
    what: "erased",
    tone: "broken",
    text: `${p.subject}: ${p.reason}${p.held ? `; ${p.held.contents} contents` : ""}`,
  }),
  CopiesErased: (p) => ({ what: "copies erased", tone: "broken", text: `${p.copies} of ${p.channel}` }),
  ExportMade: (p) => ({ what: "export", tone: "warn", text: `as ${p.format}, positions ${p.from} to ${p.to}` }),
  StoreOpened: (p) => ({
    what: "journal opened",
    tone: p.clean ? "quiet" : "broken",
    text: `${p.program}${p.clean ? "" : ", after it was not closed in order"}`,
  }),
  StoreClosed: () => ({ what: "journal closed", tone: "quiet", text: "in order" }),
  SegmentSealed: (p) => ({ what: "sealed", tone: "quiet", text: `positions ${p.first} to ${p.last}` }),
  DataLossAccepted: (p) => ({ what: "data lost", tone: "grave", text: `positions ${p.from} to ${p.to}: ${p.finding}` }),
  ConsumerCreated: (p) => ({ what: "reader begins", tone: "quiet", text: p.consumer }),
  ConsumerDeleted: (p) => ({ what: "reader ends", tone: "quiet", text: p.consumer }),
  ConsumerRewound: (p) => ({
    what: "reader moved",
    tone: "warn",
    text: `${p.consumer} from position ${p.from} to ${p.to}`,
  }),
  EntryParked: (p) => ({ what: "set aside", tone: "warn", text: `by ${p.consumer}: ${p.reason}` }),
  EntryUnparked: (p) => ({ what: "no longer aside", tone: "quiet", text: `for ${p.consumer}` }),
  EntrySettled: (p) => ({ what: "settled", tone: "quiet", text: `by ${p.consumer}` }),
  ReplayStarted: (p) => ({ what: "replay", tone: "quiet", text: `positions ${p.first} to ${p.last}` }),
  ReplayEnded: (p) => ({ what: "replay over", tone: p.how === "failed" ? "broken" : "quiet", text: p.how }),
};

function assessedWords(p: Payload): string {
  const by = p.rules?.[0];
  const label = by ? p.labels[by.by] : [...p.labels].sort((a, b) => b[1] - a[1])[0];
  const seen = label ? `${labelWords(label[0])} ${label[1].toFixed(1)} %` : "nothing was seen";
  const rule = by ? `${by.rule} by ${seen} (${margin(by.margin)})` : seen;
  return `${rule}, ${p.provider.name}, ${ref(p.policy)}${p.late ? ", late" : ""}${ofMedium(p.medium)}`;
}

/** Why a frame was not shown to a provider. */
export function skipWords(because: Payload): string {
  if (typeof because === "string") {
    const words: Record<string, string> = {
      overloaded: "there was no room for it",
      other_source: "another source of the channel is judged",
      other_session: "its broadcast had ended",
      no_policy: "no policy watches the channel",
      unsupported: "not a kind that is judged",
    };
    return words[because] ?? because;
  }
  if (because.too_soon) return "before it was due";
  if (because.similar) {
    const [bits, luma] = because.similar.distance;
    return `as frame ${because.similar.to}: ${bits} of 64 bits${luma == null ? "" : ` and ${(luma / 100).toFixed(1)} grey levels`} apart`;
  }
  if (because.gave_way) return "gave way to channels in greater need: the budget of calls is short";
  if (because.superseded) return "a newer one took its place";
  if (because.stale) return "too late to matter";
  if (because.no_track) return "the segment has no such track, and says so itself: nobody was asked";
  return Object.keys(because)[0] ?? "";
}

/** What a person did with a reputation. */
export function changeWords(change: Schemas["ReputationChange"]): string {
  if (change === "release") return "let go again";
  if ("pin" in change) return `pinned at ${change.pin.toFixed(2)}`;
  return `${change.by >= 0 ? "raised" : "lowered"} by ${(Math.abs(change.by) / 1000).toFixed(2)}`;
}

function budgetWords(budget: Payload): string {
  const [name, { used, of }] = Object.entries(budget)[0] as [string, { used: number; of: number }];
  const words: Record<string, string> = {
    per_minute: "automatic stops of the last minute",
    per_rule: "automatic stops of this rule",
    live_share: "share of the live channels stopped",
  };
  return `${words[name] ?? name}: ${used} of ${of} are used`;
}

function stageOf(stage: string): string {
  const words: Record<string, string> = {
    fetch: "it could not be fetched",
    decode: "it could not be decoded",
    provider: "the provider failed",
    no_provider: "there is no provider",
    deadline: "it ran out of time",
    warden: "the warden broke",
  };
  return words[stage] ?? stage;
}

export function ref(policy: Schemas["PolicyRef"]): string {
  return `${policy.id}@${policy.version}`;
}

function list(names: readonly string[]): string {
  return names.length ? names.join(", ") : "no rule";
}

export function kilobytes(bytes: number): string {
  return bytes < 1_000 ? `${bytes} bytes` : `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
}
