// What was said in a segment. Personal data: nothing is fetched until somebody asks to read it, and the server records who
// did. What was found to be harmful is marked, with the times that the record says.

import { useEffect, useState } from "react";
import { answered, api, Refused, type Schemas, said as words } from "../api/client";
import { Button } from "../design/parts";
import { Hint, useKey } from "../keys/keys";
import { goneWords } from "./gone";

interface SaidProps {
  frame: string;
  /** Answers the key that reveals. One of a page does. */
  keyed?: boolean;
}

export function Said({ frame, keyed = false }: SaidProps) {
  const [asked, setAsked] = useState(false);
  const { transcript, failure } = useTranscript(frame, asked);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another frame is closed again
  useEffect(() => setAsked(false), [frame]);
  const press = () => setAsked((shown) => !shown);
  useKey("reveal", press, { enabled: keyed });
  return (
    <div className="said stack tight">
      {transcript && <Sentences transcript={transcript} />}
      {failure && <p role="alert">{failure}</p>}
      <div className="row">
        <Button aria-pressed={asked} onPress={press}>
          {asked ? "Close again" : "Read what was said"}
          {keyed && <Hint of="reveal" />}
        </Button>
        <span className="muted">Each reading is recorded with your name.</span>
      </div>
    </div>
  );
}

function Sentences({ transcript }: { transcript: Schemas["Transcript"] }) {
  if (transcript.sentences.length === 0) return <p className="muted">Nothing was said.</p>;
  return (
    <ol className="said-sentences" lang={transcript.language?.toLowerCase()}>
      {transcript.sentences.map((sentence) => (
        <li key={`${sentence.during.from_ms} ${sentence.text}`} data-hit={(sentence.labels ?? []).length > 0}>
          <span className="number muted">{clock(sentence.during.from_ms)}</span> {sentence.text}
          {(sentence.labels ?? []).map(([path, confidence]) => (
            <strong key={path}>
              {" "}
              {path}, severity {severityOf(confidence)} of 3
            </strong>
          ))}
        </li>
      ))}
    </ol>
  );
}

/** When the labels of a segment first show or are heard, and when they are worst. */
export function Moments({ event }: { event: Schemas["RecordedEvent"] }) {
  const { labels = [], moments = [] } = event.payload as {
    labels?: [string, number][];
    moments?: { label: number; first: Schemas["Stretch"]; worst: Schemas["Stretch"] }[];
  };
  if (moments.length === 0) return null;
  return (
    <ul>
      {moments.map(({ label, first, worst }) => (
        <li key={label}>
          {labels[label]?.[0] ?? "a label"}: first at <span className="number">{clock(first.from_ms)}</span>, worst at{" "}
          <span className="number">{clock(worst.from_ms)}</span>
        </li>
      ))}
    </ul>
  );
}

/** 1, 2 or 3 of a confidence in percent, as the record holds severities. */
export function severityOf(confidence: number): number {
  return Math.min(3, Math.max(0, Math.round(confidence / (100 / 3))));
}

/** Minutes and seconds from the beginning of the segment. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function useTranscript(frame: string, asked: boolean) {
  const [read, setRead] = useState<{ frame: string; transcript: Schemas["Transcript"] } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    setFailure(null);
    if (!asked) return setRead(null);
    const gone = new AbortController();
    answered(api.GET("/v1/evidence/{frame}/transcript", { params: { path: { frame } }, signal: gone.signal }))
      .then((transcript) => setRead({ frame, transcript }))
      .catch((error: unknown) => {
        if (gone.signal.aborted) return;
        const none = error instanceof Refused && error.status === 404;
        setFailure(none ? "No words are kept of this segment." : (goneWords(error, "What was said") ?? words(error)));
      });
    return () => gone.abort();
  }, [frame, asked]);
  return { transcript: read?.frame === frame ? read.transcript : null, failure };
}
