// Searches what was decided and done. The address of the page is the search.

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { listEvents, nextOf } from "../../api/events";
import { Button, Loaded, Moment } from "../../design/parts";
import { useKey } from "../../keys/keys";
import { useMay } from "../../session/session";
import { eventWords, KINDS, type Kind, type RecordedEvent } from "../../words/events";
import { More } from "../channel/timeline";
import { CopyLink } from "./copy-link";
import { EventLine } from "./event-line";
import { ExportButtons } from "./export-buttons";
import { exportOf, type Field, filterOf, instantOf, localOf, searchOf, type Wanted, wantedOf } from "./search";
import "./audit.css";

const PAGE = 100;
/** Somebody who writes is asked again only when they pause. */
const PAUSE_MS = 400;
const ROW_HEIGHT = 29;

export default function AuditPage() {
  const [search, setSearch] = useSearchParams();
  const address = search.toString();
  const wanted = useMemo(() => wantedOf(new URLSearchParams(address)), [address]);
  const filter = useMemo(() => filterOf(wanted), [wanted]);
  const query = useInfiniteQuery({
    queryKey: ["events", filter],
    queryFn: ({ pageParam }) => listEvents({ ...filter, order: "desc", limit: PAGE, after: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: nextOf,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    placeholderData: keepPreviousData,
  });
  const events = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const may = useMay();
  const last = query.data?.pages.at(-1);
  return (
    <div className="audit">
      <div className="page-head">
        <h1>Audit</h1>
        <span className="spacer" />
        <CopyLink />
        {may("export") && <ExportButtons addressOf={(form) => exportOf(wanted, form)} name="streamwarden-events" />}
      </div>
      <SearchForm
        wanted={wanted}
        onSearch={(next) => setSearch(searchOf(next), { replace: true })}
        exporting={may("export")}
      />
      <section
        className="card audit-results"
        aria-labelledby="audit-found"
        data-stale={query.isPlaceholderData || undefined}
      >
        <div className="row audit-results-head">
          <h2 id="audit-found">Found, newest first</h2>
          {query.dataUpdatedAt > 0 && (
            <span className="muted">
              as of <Moment at={query.dataUpdatedAt} />
            </span>
          )}
          <Button look="plain" onPress={() => void query.refetch()} disabled={query.isFetching}>
            Look again
          </Button>
        </div>
        <Loaded query={query} what="The events">
          {() => (
            <>
              {events.length === 0 && !query.hasNextPage ? (
                <p className="empty">Nothing that is recorded matches this search.</p>
              ) : (
                <Results events={events} />
              )}
              {events.length === 0 && query.hasNextPage && (
                <p className="muted" role="status">
                  Nothing in what was looked at so far
                  {last?.next && <span className="number">, back to position {last.next}</span>}.
                </p>
              )}
              {(events.length > 0 || query.hasNextPage) && <More query={query} />}
            </>
          )}
        </Loaded>
      </section>
    </div>
  );
}

const TEXTS: readonly { field: Field; name: string; hint: string }[] = [
  { field: "channel", name: "Channel", hint: "live/*" },
  { field: "rule", name: "Rule", hint: "weapons-stop" },
  { field: "label", name: "Label", hint: "Violence/Weapons" },
  { field: "policy", name: "Policy", hint: "shop or shop@2" },
  { field: "moderator", name: "Moderator", hint: "ana" },
];

const VERDICTS: readonly { value: string; text: string }[] = [
  { value: "", text: "any" },
  { value: "warn,stop", text: "not clear" },
  { value: "stop", text: "stop" },
  { value: "warn", text: "warn" },
  { value: "clear", text: "clear" },
];

function SearchForm({
  wanted,
  onSearch,
  exporting,
}: {
  wanted: Wanted;
  onSearch: (wanted: Wanted) => void;
  exporting: boolean;
}) {
  const [draft, setDraft] = useState(wanted);
  const sent = useRef(wanted);
  const first = useRef<HTMLInputElement>(null);
  useKey("search", () => first.current?.focus());
  useEffect(() => {
    // Another address than the one we made: a link, or the way back.
    if (searchOf(wanted).toString() !== searchOf(sent.current).toString()) setDraft(wanted);
    sent.current = wanted;
  }, [wanted]);
  useEffect(() => {
    if (searchOf(draft).toString() === searchOf(sent.current).toString()) return;
    const timer = setTimeout(() => {
      sent.current = draft;
      onSearch(draft);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [draft, onSearch]);
  const set = (field: Field) => (event: { target: { value: string } }) =>
    setDraft((draft) => ({ ...draft, [field]: event.target.value }));
  // A moment, not a reading of this person's clock: the address is handed to people in other zones.
  const setMoment = (field: "from" | "to") => (event: { target: { value: string } }) =>
    setDraft((draft) => ({ ...draft, [field]: instantOf(event.target.value) ?? "" }));
  const isEmpty = searchOf(draft).toString() === "";
  return (
    <search className="card audit-form">
      <label className="field">
        <span>What</span>
        <select className="text" value={draft.kind || "verdicts"} onChange={set("kind")}>
          {(Object.keys(KINDS) as Kind[]).map((kind) => (
            <option key={kind} value={kind}>
              {KINDS[kind].name}
            </option>
          ))}
          <option value="everything">Everything</option>
        </select>
      </label>
      <label className="field">
        <span>Verdict</span>
        <select className="text" value={draft.verdict} onChange={set("verdict")}>
          {VERDICTS.map(({ value, text }) => (
            <option key={text} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {TEXTS.map(({ field, name, hint }) => (
        <label key={field} className="field">
          <span>{name}</span>
          <input
            ref={field === "channel" ? first : undefined}
            className="text"
            value={draft[field]}
            placeholder={hint}
            autoComplete="off"
            spellCheck={false}
            onChange={set(field)}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </label>
      ))}
      <label className="field">
        <span>From</span>
        <input className="text" type="datetime-local" value={local(draft.from)} onChange={setMoment("from")} />
      </label>
      <label className="field">
        <span>To, without it</span>
        <input className="text" type="datetime-local" value={local(draft.to)} onChange={setMoment("to")} />
      </label>
      <label className="field">
        <span>Times are of</span>
        <select className="text" value={draft.basis || "recorded"} onChange={set("basis")}>
          <option value="recorded">recording</option>
          <option value="captured">the frame itself</option>
        </select>
      </label>
      <div className="audit-form-foot muted">
        {!isEmpty && (
          <Button look="plain" onPress={() => setDraft(wantedOf(new URLSearchParams()))}>
            Clear
          </Button>
        )}
        {exporting &&
          "An export holds everything that this search finds, oldest first; it is made in parts, each recorded with your name."}
      </div>
    </search>
  );
}

/** An address may hold a moment of another zone; the field wants one of ours. */
function local(value: string): string {
  return /Z|[+-]\d\d:\d\d$/.test(value) ? localOf(value) : value;
}

function Results({ events }: { events: readonly RecordedEvent[] }) {
  const [, navigate] = useLocation();
  const list = useRef<HTMLOListElement>(null);
  const [selected, select] = useState<string | null>(null);
  const rows = useWindowVirtualizer({
    count: events.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: list.current?.offsetTop ?? 0,
    getItemKey: (at) => events[at]?.id ?? at,
  });
  const at = events.findIndex((event) => event.id === selected);
  const move = (by: number) => {
    const next = events[Math.min(events.length - 1, Math.max(0, at === -1 ? 0 : at + by))];
    if (!next) return;
    select(next.id);
    rows.scrollToIndex(events.indexOf(next));
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(next.id)}"]`)?.focus({ preventScroll: true }),
    );
  };
  useKey("down", () => move(1));
  useKey("up", () => move(-1));
  useKey(
    "open",
    () => {
      const event = events[at];
      if (event) navigate(wayTo(event));
    },
    { enabled: at >= 0 },
  );
  return (
    <ol ref={list} className="audit-list" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((row) => {
        const event = events[row.index];
        if (!event) return null;
        return (
          <li
            key={row.key}
            ref={rows.measureElement}
            data-index={row.index}
            data-id={event.id}
            data-selected={event.id === selected || undefined}
            aria-setsize={events.length}
            aria-posinset={row.index + 1}
            tabIndex={-1}
            onFocus={() => select(event.id)}
            style={{ transform: `translateY(${row.start - rows.options.scrollMargin}px)` }}
          >
            <EventLine event={event} withChannel />
          </li>
        );
      })}
    </ol>
  );
}

/** Where an event is explained best. */
function wayTo(event: RecordedEvent): string {
  const { frame, warning } = eventWords(event);
  if (frame) return `/decisions/${frame}`;
  if (warning) return `/queue/${warning}`;
  if (event.scope.startsWith("$")) return event.type.startsWith("Policy") ? "/policies" : "/audit?kind=system";
  return `/audit/channels/${encodeURIComponent(event.scope)}?at=${event.sequence}`;
}
