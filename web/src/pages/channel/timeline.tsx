// Everything that happened on a channel, newest first. Frames that were not judged are read as one line where many of
// them follow each other.

import { useEffect, useEffectEvent, useRef } from "react";
import { useSearchParams } from "wouter";
import { Badge, Button, Failed, Loaded, Moment } from "../../design/parts";
import { useMay } from "../../session/session";
import { KINDS, type Kind, type RecordedEvent } from "../../words/events";
import { EventLine } from "../audit/event-line";
import { ExportButtons, type ExportForm } from "../audit/export-buttons";
import { runs } from "./runs";
import { useTimeline } from "./use-events";

/** What can happen on a channel; the rest is of the system. */
const SHOWN: readonly Kind[] = [
  "verdicts",
  "skips",
  "warnings",
  "stops",
  "watch",
  "coverage",
  "broadcasts",
  "pictures",
  "shadow",
];

export function Timeline({ channel }: { channel: string }) {
  const [search, setSearch] = useSearchParams();
  const kind = SHOWN.find((kind) => kind === search.get("kind"));
  const { query, events, behind } = useTimeline(channel, kind && KINDS[kind].types.join(","));
  const may = useMay();
  const addressOf = (format: ExportForm) => {
    const query = new URLSearchParams({ format, ...(kind && { type: KINDS[kind].types.join(",") }) });
    return `/v1/channels/${encodeURIComponent(channel)}/events?${query}`;
  };
  const choose = (kind: string) => {
    const next = new URLSearchParams(search);
    if (kind) next.set("kind", kind);
    else next.delete("kind");
    setSearch(next, { replace: true });
  };
  return (
    <section className="card channel-timeline" aria-labelledby="channel-timeline">
      <div className="row channel-timeline-head">
        <h2 id="channel-timeline">What happened</h2>
        <label className="row">
          <span className="muted">Show</span>
          <select className="text" value={kind ?? ""} onChange={(event) => choose(event.target.value)}>
            <option value="">everything</option>
            {SHOWN.map((kind) => (
              <option key={kind} value={kind}>
                {KINDS[kind].name.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        {may("export", channel) && <ExportButtons addressOf={addressOf} name={channel.replaceAll(/[^\w.-]/g, "-")} />}
      </div>
      {behind ? <Failed what="What happened since could not be had." error={behind} /> : null}
      <Loaded query={query} what="What happened">
        {() =>
          events.length === 0 && !query.hasNextPage ? (
            <p className="empty">
              {kind ? "Nothing of this kind has happened here." : "Nothing is recorded of this channel."}
            </p>
          ) : (
            <>
              <ol className="channel-events">
                {runs(events).map((run) =>
                  run.kind === "event" ? (
                    <li key={run.event.id}>
                      <EventLine event={run.event} />
                    </li>
                  ) : (
                    <li key={run.events.at(-1)?.id}>
                      <Skips events={run.events} />
                    </li>
                  ),
                )}
              </ol>
              <More query={query} />
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function Skips({ events }: { events: readonly [RecordedEvent, ...RecordedEvent[]] }) {
  const oldest = events[events.length - 1] ?? events[0];
  return (
    <details className="channel-skips">
      <summary>
        <Moment at={events[0].recorded_at} />
        <Badge tone="quiet">{events.length} not judged</Badge>
        <span className="muted">
          since <Moment at={oldest.recorded_at} />
        </span>
      </summary>
      <ol>
        {events.map((event) => (
          <li key={event.id}>
            <EventLine event={event} />
          </li>
        ))}
      </ol>
    </details>
  );
}

interface Pages {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  error: unknown;
  fetchNextPage: () => unknown;
}

/** Goes further back when its end comes into sight, and by a button for those who do not scroll. */
export function More({ query }: { query: Pages }) {
  const end = useRef<HTMLDivElement>(null);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError } = query;
  const go = useEffectEvent(() => void query.fetchNextPage());
  useEffect(() => {
    const at = end.current;
    if (!at || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && go(), { rootMargin: "400px" });
    observer.observe(at);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError]);
  if (isFetchNextPageError)
    return <Failed what="What was before could not be had." error={query.error} again={() => query.fetchNextPage()} />;
  if (!hasNextPage) return <p className="muted channel-end">That is the beginning.</p>;
  return (
    <div ref={end} className="channel-end">
      <Button look="plain" onPress={() => void query.fetchNextPage()} disabled={isFetchingNextPage}>
        {isFetchingNextPage ? "Looking further back…" : "Further back"}
      </Button>
    </div>
  );
}
