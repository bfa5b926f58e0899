// A channel's past, worked out of its events: in which spans somebody looked, and how its reputation moved and why.
// Knows neither React nor the network.

import type { Mark, Point } from "../../charts/steps";
import { changeWords, type RecordedEvent } from "../../words/events";
import { interval } from "../../words/time";
import { type Cause, causeWords } from "../../words/words";

/** The types that the functions here read. */
export const HISTORY_TYPES = [
  "SessionStarted",
  "SessionEnded",
  "ChannelWatched",
  "ChannelUnwatched",
  "CadenceChanged",
  "ReputationAdjusted",
  "WarningUpheld",
  "WarningDismissed",
  "WarningOverturned",
] as const;

export type SpanState = "idle" | "watched" | "unwatched";

export interface Span {
  state: SpanState;
  from: number;
  to: number;
  /** Why nobody looked. */
  because?: string;
}

export interface Now {
  state: SpanState;
  since?: number;
  because?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: payloads are typed by the journal's schema, not by the API's
const payloadOf = (event: RecordedEvent): any => event.payload;

/** The event's moment in the channel's own time, as far as it has one. */
export function timeOf(event: RecordedEvent): number {
  return Date.parse(event.captured_at ?? event.recorded_at);
}

/**
 * The spans between `from` and `to`, without a hole. `events` are oldest first; what held before the first of them is
 * what the first of them ended.
 */
export function spansOf(events: readonly RecordedEvent[], from: number, to: number, now: Now): Span[] {
  const turns: { at: number; state: SpanState; because?: string; before: SpanState }[] = [];
  for (const event of events) {
    const p = payloadOf(event);
    if (event.type === "SessionStarted") turns.push({ at: timeOf(event), state: "watched", before: "idle" });
    else if (event.type === "SessionEnded") turns.push({ at: timeOf(event), state: "idle", before: "watched" });
    else if (event.type === "ChannelUnwatched")
      turns.push({ at: Date.parse(p.since), state: "unwatched", because: p.because, before: "watched" });
    else if (event.type === "ChannelWatched")
      turns.push({ at: Date.parse(p.unwatched_since) + p.unwatched_ms, state: "watched", before: "unwatched" });
  }
  const first = turns[0];
  let state: SpanState = first ? first.before : now.state;
  let because = first ? undefined : now.because;
  let since = from;
  const spans: Span[] = [];
  const close = (at: number) => {
    const [begin, end] = [Math.max(from, since), Math.min(to, at)];
    if (end <= begin) return;
    const last = spans.at(-1);
    if (last && last.state === state && last.because === because) last.to = end;
    else spans.push({ state, from: begin, to: end, ...(because && { because }) });
  };
  if (!first && now.since !== undefined && now.since > from) {
    // Nothing happened within the events at hand, and yet it has not always been so.
    [state, because] = ["idle", undefined];
    turns.push({ at: now.since, state: now.state, because: now.because, before: "idle" });
  }
  for (const turn of turns) {
    close(turn.at);
    since = Math.max(since, turn.at);
    ({ state, because } = turn);
  }
  close(to);
  return spans;
}

/** How long of the spans was spent in each state, in milliseconds. */
export function sums(spans: readonly Span[]): Record<SpanState, number> {
  const sum = { idle: 0, watched: 0, unwatched: 0 };
  for (const span of spans) sum[span.state] += span.to - span.from;
  return sum;
}

/** The score as far as the events say it, and as it is now. */
export function scores(events: readonly RecordedEvent[], now: Point | null): Point[] {
  const points: Point[] = [];
  for (const event of events) {
    const p = payloadOf(event);
    if (event.type === "CadenceChanged" && p.score != null) points.push({ at: timeOf(event), value: p.score });
    if (event.type === "ReputationAdjusted" && p.change.pin !== undefined)
      points.push({ at: timeOf(event), value: p.change.pin });
  }
  if (now) points.push(now);
  return points.sort((a, b) => a.at - b.at);
}

/** Where the cadence stood, in milliseconds between two frames. */
export interface Step {
  at: number;
  sequence: number;
  from: number | null;
  to: number;
  because: Cause;
  score: number | null;
}

export function steps(events: readonly RecordedEvent[]): Step[] {
  return events
    .filter((event) => event.type === "CadenceChanged")
    .map((event) => {
      const p = payloadOf(event);
      return {
        at: timeOf(event),
        sequence: event.sequence,
        from: p.from?.interval_ms ?? null,
        to: p.to.interval_ms,
        because: p.because,
        score: p.score ?? null,
      };
    });
}

/** What moved the score: each with a shape of its own. */
export function causes(events: readonly RecordedEvent[]): Mark[] {
  const marks: Mark[] = [];
  for (const event of events) {
    const [p, at] = [payloadOf(event), timeOf(event)];
    switch (event.type) {
      case "WarningUpheld":
        marks.push({ at, tone: "grave", shape: "down", text: `a warning was upheld by ${p.by}` });
        break;
      case "WarningDismissed":
        marks.push({ at, tone: "calm", shape: "up", text: `a warning was dismissed by ${p.by}` });
        break;
      case "WarningOverturned":
        marks.push({ at, tone: "calm", shape: "up", text: `a warning was overturned by ${p.by}` });
        break;
      case "ReputationAdjusted":
        marks.push({ at, tone: "warn", shape: "square", text: `${changeWords(p.change)} by ${p.by}` });
        break;
      case "CadenceChanged":
        if (p.score != null)
          marks.push({
            at,
            value: p.score,
            tone: "quiet",
            shape: "circle",
            text: `every ${interval(p.to.interval_ms)}: ${causeWords(p.because)}`,
          });
        break;
    }
  }
  return marks;
}
