// Earlier warnings of the channel and how they were answered.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { answered, api, type Schemas } from "../../api/client";
import { Badge, Loaded, Moment } from "../../design/parts";
import type { Tone } from "../../words/words";

type Recorded = Schemas["RecordedEvent"];

const SHOWN_MAX = 8;
const TYPES = "WarningRaised,WarningUpheld,WarningDismissed,WarningAnswerWithdrawn,WarningOverturned,WarningLapsed";

export interface Earlier {
  warning: string;
  rule: string;
  severity: number;
  frame: string;
  at: string;
  answer: string;
  tone: Tone;
}

export function History({ channel, but }: { channel: string; but: string }) {
  const query = useQuery({
    queryKey: ["history", channel],
    queryFn: () =>
      answered(
        api.GET("/v1/channels/{channel}/events", {
          params: { path: { channel }, query: { type: TYPES, order: "desc", limit: 200 } },
        }),
      ) as Promise<{ items: readonly Recorded[] }>,
    staleTime: 10_000,
  });
  return (
    <section className="card">
      <h2>Earlier on this channel</h2>
      <Loaded query={query} what="Earlier warnings">
        {({ items }) => <Found found={earlier(items).filter((it) => it.warning !== but)} channel={channel} />}
      </Loaded>
    </section>
  );
}

function Found({ found, channel }: { found: readonly Earlier[]; channel: string }) {
  if (found.length === 0) return <p className="muted">No other warning is recorded.</p>;
  return (
    <>
      <ul className="stack tight">
        {found.slice(0, SHOWN_MAX).map((it) => (
          <li key={it.warning} className="row">
            <Badge tone={it.tone}>{it.answer}</Badge>
            <Link href={`/decisions/${it.frame}`}>{it.rule}</Link>
            <span className="muted">
              severity {it.severity} · <Moment at={it.at} />
            </span>
          </li>
        ))}
      </ul>
      <p>
        <Link href={`/channels/${encodeURIComponent(channel)}`}>Everything of this channel</Link>
        {found.length > SHOWN_MAX && <span className="muted"> ({found.length - SHOWN_MAX} more warnings)</span>}
      </p>
    </>
  );
}

const ANSWERS: Record<string, [string, Tone]> = {
  WarningUpheld: ["upheld", "grave"],
  WarningDismissed: ["dismissed", "calm"],
  WarningAnswerWithdrawn: ["open", "warn"],
  WarningOverturned: ["overturned", "calm"],
  WarningLapsed: ["lapsed", "quiet"],
};

/** From events, newest first, to warnings, newest first: the last word on each counts. */
export function earlier(events: readonly Recorded[]): Earlier[] {
  const answers = new Map<string, [string, Tone]>();
  const found: Earlier[] = [];
  for (const event of events) {
    const payload = event.payload as {
      warning?: string;
      warnings?: readonly string[];
      rule?: string;
      severity?: number;
      frame?: string;
    };
    const named = payload.warnings ?? (payload.warning ? [payload.warning] : []);
    const answer = ANSWERS[event.type];
    for (const warning of answer ? named : []) if (answer && !answers.has(warning)) answers.set(warning, answer);
    if (event.type !== "WarningRaised" || !payload.warning) continue;
    const [text, tone] = answers.get(payload.warning) ?? ["open", "warn"];
    found.push({
      warning: payload.warning,
      rule: payload.rule ?? "no rule",
      severity: payload.severity ?? 0,
      frame: payload.frame ?? "",
      at: event.recorded_at,
      answer: text,
      tone: tone as Tone,
    });
  }
  return found;
}
