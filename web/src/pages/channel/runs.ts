// Frames that were not judged, one after the other, read as one line.

import type { RecordedEvent } from "../../words/events";

export type Run =
  | { kind: "event"; event: RecordedEvent }
  | { kind: "skips"; events: [RecordedEvent, ...RecordedEvent[]] };

const LEAST = 3;

export function runs(events: readonly RecordedEvent[]): Run[] {
  const all: Run[] = [];
  let skips: RecordedEvent[] = [];
  const close = () => {
    const [first, ...rest] = skips;
    if (first && skips.length >= LEAST) all.push({ kind: "skips", events: [first, ...rest] });
    else for (const event of skips) all.push({ kind: "event", event });
    skips = [];
  };
  for (const event of events) {
    if (event.type === "FrameSkipped") skips.push(event);
    else {
      close();
      all.push({ kind: "event", event });
    }
  }
  close();
  return all;
}
