// The frames around the hit: one shown large, the others in a strip with their scores.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { Picture } from "../../care/picture";
import { Said } from "../../care/said";
import { Button, Failed, Moment } from "../../design/parts";
import { useKey } from "../../keys/keys";
import { useChannel } from "../../live/live";
import type { WarningRow } from "../../live/store";
import { ofMedium, outcomeWords, type Tone } from "../../words/words";

type Recorded = Schemas["RecordedEvent"];

export interface Shot {
  frame: string;
  medium: Schemas["Medium"];
  at: string;
  text: string;
  tone: Tone;
  /** Of the warning's label, in percent; none if it was not judged. */
  score: number | null;
  hit: boolean;
}

/** How many cadences before and after the hit are shown, and the least and most that is in milliseconds. */
const AROUND = 12;
const AROUND_MS = [20_000, 600_000] as const;
const SHOTS_MAX = 60;
const FRAMES = "FrameAssessed,FrameSkipped,FrameFailed";

interface FramesProps {
  row: WarningRow;
  frame: string;
  onFrame: (frame: string) => void;
  pictures: boolean;
}

export function Frames({ row, frame, onFrame, pictures }: FramesProps) {
  const interval = useChannel(row.channel)?.cadence?.pace.interval_ms ?? 10_000;
  const around = Math.min(AROUND_MS[1], Math.max(AROUND_MS[0], interval * AROUND));
  const newest = row.evidence.at(-1)?.captured_at ?? row.captured_at;
  const query = useQuery({
    queryKey: ["frames", row.channel, row.captured_at, newest, around],
    queryFn: async () => {
      const from = new Date(Date.parse(row.captured_at) - around).toISOString();
      const to = new Date(Date.parse(newest) + around).toISOString();
      const ask = (query: { captured_from: string; captured_to: string; order: "asc" | "desc" }) =>
        answered(
          api.GET("/v1/channels/{channel}/events", {
            params: { path: { channel: row.channel }, query: { ...query, type: FRAMES, limit: SHOTS_MAX / 2 } },
          }),
        ) as Promise<{ items: Recorded[] }>;
      // From the hit to both sides, so that a channel with many frames does not push it out of the strip.
      const [before, after] = await Promise.all([
        ask({ captured_from: from, captured_to: row.captured_at, order: "desc" }),
        ask({ captured_from: row.captured_at, captured_to: to, order: "asc" }),
      ]);
      return [...before.items.reverse(), ...after.items];
    },
  });
  const shots = useMemo(() => shotsOf(query.data ?? [], row), [query.data, row]);
  const at = shots.findIndex((shot) => shot.frame === frame);
  const go = (to: Shot | undefined) => to && onFrame(to.frame);
  const firstHit = shots.find((shot) => shot.hit);
  const worst = shots.filter((shot) => shot.hit).sort((a, b) => (b.score ?? 0) - (a.score ?? 0))[0];
  useKey("earlier", () => go(shots[at - 1]), { enabled: at > 0 });
  useKey("later", () => go(shots[at + 1]), { enabled: at < shots.length - 1 });
  const shown = shots[at];
  return (
    <section className="card frames" aria-label="Frames">
      <Shown shot={shown} medium={mediumOf(row, frame, shown)} frame={frame} channel={row.channel} may={pictures} />
      {query.error ? (
        <Failed what="The frames around it could not be had." error={query.error} again={() => void query.refetch()} />
      ) : (
        <Strip shots={shots} frame={frame} onFrame={onFrame} threshold={thresholdOf(row)} />
      )}
      <div className="row">
        <Button binding="first_hit" onPress={() => go(firstHit)} disabled={!firstHit}>
          First hit
        </Button>
        <Button binding="worst_hit" onPress={() => go(worst)} disabled={!worst}>
          Worst hit
        </Button>
        {shown && (
          <span className="muted">
            <Moment at={shown.at} /> · {shown.text}
            {ofMedium(shown.medium)}
            {shown.score !== null && <span className="number"> · {shown.score.toFixed(1)} %</span>}
          </span>
        )}
      </div>
    </section>
  );
}

/** What of the stream a frame is: also of one that was not had yet, where the warning knows it. */
export function mediumOf(
  row: Pick<WarningRow, "evidence" | "frame" | "medium">,
  frame: string,
  shot: Shot | undefined,
): Schemas["Medium"] {
  if (shot) return shot.medium;
  if (frame === row.frame) return row.medium;
  return row.evidence.find((hit) => hit.frame === frame)?.medium ?? "picture";
}

interface ShownProps {
  shot: Shot | undefined;
  medium: Schemas["Medium"];
  frame: string;
  channel: string;
  may: boolean;
}

function Shown({ shot, medium, frame, channel, may }: ShownProps) {
  if (!may) return <p className="picture-absent">Your role sees no pictures and reads no words</p>;
  if (medium === "sound") return <Said frame={frame} keyed />;
  if (medium === "clip") return <p className="picture-absent">A moving picture: the recording holds it</p>;
  const at = shot ? ` at ${new Date(shot.at).toLocaleTimeString()}` : "";
  return <Picture frame={frame} label={`Frame of ${channel}${at}`} keyed />;
}

function Strip({
  shots,
  frame,
  onFrame,
  threshold,
}: {
  shots: readonly Shot[];
  frame: string;
  onFrame: (frame: string) => void;
  threshold: number | null;
}) {
  const strip = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when the frames come
  useEffect(() => {
    strip.current
      ?.querySelector(`[data-frame="${CSS.escape(frame)}"]`)
      ?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [frame, shots.length]);
  return (
    <ol ref={strip} className="strip" aria-label="Frames around the hit">
      {shots.map((shot) => (
        <li key={shot.frame} data-frame={shot.frame} data-tone={shot.tone}>
          <button
            type="button"
            aria-pressed={shot.frame === frame}
            onClick={() => onFrame(shot.frame)}
            title={`${new Date(shot.at).toLocaleTimeString()}: ${shot.text}${ofMedium(shot.medium)}`}
          >
            <svg viewBox="0 0 20 40" className="strip-bar" aria-hidden="true">
              <rect className="strip-back" x="0" y="0" width="20" height="40" />
              {shot.score !== null && (
                <rect className="strip-score" x="3" y={40 - shot.score * 0.4} width="14" height={shot.score * 0.4} />
              )}
              {threshold !== null && (
                <line className="strip-threshold" x1="0" x2="20" y1={40 - threshold * 0.4} y2={40 - threshold * 0.4} />
              )}
            </svg>
            <span className="strip-word">{shot.hit ? "hit" : shot.score !== null ? shot.score.toFixed(0) : "–"}</span>
            <span className="unseen">
              {new Date(shot.at).toLocaleTimeString()}, {shot.text}
              {ofMedium(shot.medium)}
              {shot.score !== null && `, ${shot.score.toFixed(1)} percent`}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** What the rule's threshold was, from the hit's confidence and its margin. */
function thresholdOf(row: WarningRow): number | null {
  return row.confidence == null ? null : row.confidence - row.margin / 1000;
}

export function shotsOf(events: readonly Recorded[], row: Pick<WarningRow, "evidence" | "label">): Shot[] {
  const hits = new Set(row.evidence.map((hit) => hit.frame));
  const shots = events.flatMap((event): Shot[] => {
    const payload = event.payload as {
      frame?: string;
      medium?: Schemas["Medium"];
      verdict?: string;
      labels?: [string, number][];
      because?: unknown;
      stage?: string;
    };
    const frame = payload.frame;
    const at = event.captured_at;
    if (!frame || !at) return [];
    const hit = hits.has(frame);
    const medium = payload.medium ?? "picture";
    if (event.type === "FrameAssessed") {
      const { text, tone } = outcomeWords({ assessed: payload.verdict } as Schemas["LastOutcome"]);
      return [{ frame, medium, at, text, tone, score: scoreOf(payload.labels ?? [], row.label ?? null), hit }];
    }
    if (event.type !== "FrameSkipped" && event.type !== "FrameFailed") return [];
    const named = event.type === "FrameFailed" ? { failed: payload.stage } : { skipped: nameOf(payload.because) };
    return [{ frame, medium, at, ...outcomeWords(named as Schemas["LastOutcome"]), score: null, hit }];
  });
  // Every hit that the warning names is in the strip, wherever it lies.
  const there = new Set(shots.map((shot) => shot.frame));
  for (const hit of row.evidence) {
    if (there.has(hit.frame)) continue;
    const { frame, medium, captured_at: at, confidence: score } = hit;
    shots.push({ frame, medium, at, text: "hit", tone: "warn", score, hit: true });
  }
  return shots.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** The highest confidence of the label or of what lies below it; of any label where the warning names none. */
function scoreOf(labels: readonly [string, number][], label: string | null): number {
  const of = labels.filter(([path]) => label === null || path === label || path.startsWith(`${label}/`));
  return of.reduce((most, [, confidence]) => Math.max(most, confidence), 0);
}

function nameOf(because: unknown): string {
  return typeof because === "object" && because !== null ? (Object.keys(because)[0] ?? "") : String(because);
}
