// A channel's past as the page draws it, from what the server tells of it piece by piece. Knows neither React nor the
// network.

import type { Schemas } from "../../api/client";
import type { Mark, Point } from "../../charts/steps";
import { changeWords } from "../../words/events";
import { interval } from "../../words/time";
import { type Cause, causeWords } from "../../words/words";

/** What the server tells of a stretch. Several follow each other without a hole, the oldest first. */
export type Piece = Schemas["ChannelHistory"];
export type Adjustment = Schemas["SetBy"];

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

/**
 * The spans between `from` and `to`, without a hole. Where nothing is told, nothing was on the air; or what holds now has
 * held since before the server looked.
 */
export function spansOf(pieces: readonly Piece[], from: number, to: number, now: Now): Span[] {
  const told = pieces.flatMap((piece, at) => {
    const [begin, end] = [Date.parse(piece.from), at === pieces.length - 1 ? to : Date.parse(piece.to)];
    return piece.coverage.map((span) => ({
      state: span.watched ? ("watched" as const) : ("unwatched" as const),
      from: Math.max(from, begin, Date.parse(span.from)),
      to: Math.min(to, end, span.to ? Date.parse(span.to) : end),
      ...(span.because && { because: span.because }),
    }));
  });
  const spans: Span[] = [];
  let at = from;
  const put = (span: Span) => {
    const [begin, end] = [Math.max(at, span.from), span.to];
    if (end <= begin) return;
    const last = spans.at(-1);
    if (last && last.state === span.state && last.because === span.because) last.to = end;
    else spans.push({ ...span, from: begin });
    at = end;
  };
  const fill = (end: number) => {
    const since = now.state === "idle" ? end : Math.max(at, Math.min(end, now.since ?? at));
    put({ state: "idle", from: at, to: Math.min(end, since) });
    put({ state: now.state, from: at, to: end, ...(now.because && { because: now.because }) });
  };
  for (const span of told.sort((a, b) => a.from - b.from)) {
    if (span.to <= span.from) continue;
    fill(span.from);
    put(span);
  }
  fill(to);
  return spans;
}

/** How long of the spans was spent in each state, in milliseconds. */
export function sums(spans: readonly Span[]): Record<SpanState, number> {
  const sum = { idle: 0, watched: 0, unwatched: 0 };
  for (const span of spans) sum[span.state] += span.to - span.from;
  return sum;
}

/** Each change of cadence once: a piece begins with the one that held then, which the piece before has as well. */
function changes(pieces: readonly Piece[]): Piece["cadence"] {
  const once = new Map(pieces.flatMap((piece) => piece.cadence).map((change) => [change.sequence, change]));
  return [...once.values()].sort((a, b) => a.sequence - b.sequence);
}

function adjustments(pieces: readonly Piece[]): Adjustment[] {
  return pieces.flatMap((piece) => piece.adjustments);
}

const setAt = (set: Adjustment) => Date.parse(set.since ?? "");

/** The score from `from` on as far as the past says it, and as it is now. */
export function scores(pieces: readonly Piece[], from: number, now: Point | null): Point[] {
  const points: Point[] = [];
  for (const { at, score } of changes(pieces)) {
    if (score != null) points.push({ at: Math.max(from, Date.parse(at)), value: score });
  }
  for (const set of adjustments(pieces)) {
    if (typeof set.change === "object" && "pin" in set.change) points.push({ at: setAt(set), value: set.change.pin });
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
  /** What a person had set last, where that or its end is why. */
  set: Adjustment | null;
}

/** Changes of cadence from `from` on. */
export function steps(pieces: readonly Piece[], from: number): Step[] {
  const sets = adjustments(pieces);
  return changes(pieces)
    .filter((change) => Date.parse(change.at) >= from)
    .map((change) => {
      const isSet = change.because === "adjusted" || change.because === "adjustment_over";
      const last = isSet ? sets.findLast((set) => (set.sequence ?? 0) < change.sequence) : undefined;
      return {
        at: Date.parse(change.at),
        sequence: change.sequence,
        from: change.from_ms ?? null,
        to: change.to_ms,
        because: change.because,
        set: last ?? null,
      };
    });
}

const ANSWERS = {
  upheld: { tone: "grave", shape: "down", text: "upheld" },
  dismissed: { tone: "calm", shape: "up", text: "dismissed" },
  overturned: { tone: "calm", shape: "up", text: "overturned" },
} as const;

/** What moved the score from `from` on: each with a shape of its own. */
export function causes(pieces: readonly Piece[], from: number): Mark[] {
  const marks: Mark[] = [];
  for (const { said, by, at } of pieces.flatMap((piece) => piece.answers)) {
    if (said === "withdrawn") continue; // as if it had not been said
    const { tone, shape, text } = ANSWERS[said];
    marks.push({ at: Date.parse(at), tone, shape, text: `a warning was ${text} by ${by}` });
  }
  for (const set of adjustments(pieces)) {
    marks.push({ at: setAt(set), tone: "warn", shape: "square", text: setWords(set) });
  }
  for (const change of changes(pieces)) {
    if (change.score == null || Date.parse(change.at) < from) continue;
    const text = `every ${interval(change.to_ms)}: ${causeWords(change.because)}`;
    marks.push({ at: Date.parse(change.at), value: change.score, tone: "quiet", shape: "circle", text });
  }
  return marks.sort((a, b) => a.at - b.at);
}

/** What a person set, in a line. */
export function setWords(set: Adjustment): string {
  return `${changeWords(set.change)} by ${set.by}${set.why ? `: “${set.why}”` : ""}`;
}

/** Since when there is anything to draw: a channel of ten minutes is not a hair at the end of a day. */
export function beginOf(pieces: readonly Piece[], begin: number, broadcasts: number, isCut: boolean): number {
  const first = pieces[0];
  if (!first) return begin;
  if (isCut) return Math.max(begin, Date.parse(first.from));
  const began = new Map<string, number>();
  for (const { session, from } of pieces.flatMap((piece) => piece.sessions)) {
    if (from && !began.has(session)) began.set(session, Date.parse(from));
  }
  return began.size > 0 && began.size === broadcasts ? Math.max(begin, Math.min(...began.values())) : begin;
}
