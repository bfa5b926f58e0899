// Every live channel, what needs somebody first. Only the tiles that can be seen are drawn.

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { Button, Waiting } from "../../design/parts";
import { useKey } from "../../keys/keys";
import { useLink, useLive, useNow } from "../../live/live";
import { held } from "../queue/order";
import { isWanted, type Only, ordered } from "./need";
import { Tile } from "./tile";

const TILE_WIDTH_MIN = 232;
const TILE_HEIGHT = 238;
const GAP = 12;
const FILTERS: readonly { only: Only; name: string }[] = [
  { only: "all", name: "Now" },
  { only: "warnings", name: "With warnings" },
  { only: "unwatched", name: "Unwatched" },
];

export function Wall() {
  const live = useLive();
  const link = useLink();
  const [search, setSearch] = useSearchParams();
  const only = (FILTERS.find((filter) => filter.only === search.get("only"))?.only ?? "all") as Only;
  const text = search.get("search") ?? "";
  const field = useRef<HTMLInputElement>(null);
  useKey("search", () => field.current?.focus());
  const set = (change: { only?: Only; search?: string }) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(change))
      value && value !== "all" ? next.set(name, value) : next.delete(name);
    setSearch(next, { replace: true });
  };
  const wanted = useMemo(() => ({ only, search: text }), [only, text]);
  const order = useOrder(wanted);
  const counts = useCounts();
  return (
    <div className="wall">
      <div className="page-head">
        <h1>Wall</h1>
        <fieldset className="row" aria-label="Which channels">
          {FILTERS.map((filter) => (
            <Button
              key={filter.only}
              look={filter.only === only ? "main" : undefined}
              aria-pressed={filter.only === only}
              onPress={() => set({ only: filter.only })}
            >
              {filter.name} <span className="number">{live.everReady() ? counts[filter.only] : "–"}</span>
            </Button>
          ))}
        </fieldset>
        <label className="row">
          <span className="unseen">Search channels and policies</span>
          <input
            ref={field}
            className="text"
            type="search"
            placeholder="Channel or policy ( / )"
            value={text}
            onChange={(event) => set({ search: event.target.value })}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </label>
        <span className="spacer" />
        {order.waiting > 0 && (
          <Button binding="reorder" onPress={order.again}>
            {order.waiting} new or moved
          </Button>
        )}
      </div>
      {!live.everReady() ? (
        <Waiting what="Waiting for the live feed" />
      ) : order.ids.length === 0 ? (
        <p className="empty">
          {text
            ? `No channel matches “${text}”`
            : only === "all"
              ? "No channel is on the air"
              : "No channel is in this state"}
          {link === "live" ? "." : ", as of when the feed was last heard."}
        </p>
      ) : (
        <Tiles ids={order.ids} hold={order.hold} />
      )}
    </div>
  );
}

function useCounts(): Record<Only, number> {
  const live = useLive();
  const now = useNow();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once a second; thousands of channels change all the time
  return useMemo(() => {
    const counts: Record<Only, number> = { all: 0, warnings: 0, unwatched: 0 };
    for (const row of live.channels().values()) {
      for (const { only } of FILTERS) if (isWanted(row, { only, search: "" })) counts[only]++;
    }
    return counts;
  }, [live, now]);
}

/** The order of need, which keeps still while it is held: what is under a pointer must not become something else. */
function useOrder(wanted: { only: Only; search: string }) {
  const live = useLive();
  // Worked out anew with every tick: thousands of channels change all the time, and nobody reads faster.
  const now = useNow();
  const [isHeld, hold] = useState(false);
  const shown = useRef<string[]>([]);
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when somebody asks for it
  const fresh = useMemo(
    () => ordered(live.channels().values(), live.warnings().values(), wanted, now),
    [live, wanted, now, round],
  );
  const last = useRef(wanted);
  const same = last.current === wanted;
  let waiting = 0;
  if (isHeld && same) {
    const kept = held(shown.current, fresh);
    waiting = kept.waiting + kept.moved;
    shown.current = kept.order;
  } else {
    shown.current = fresh;
  }
  last.current = wanted;
  const again = () => {
    shown.current = fresh;
    hold(false);
    setRound((round) => round + 1);
  };
  return { ids: shown.current, waiting, hold, again };
}

function Tiles({ ids, hold }: { ids: readonly string[]; hold: (held: boolean) => void }) {
  const [, navigate] = useLocation();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1000);
  const [selected, select] = useState<string | null>(null);
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(at);
    return () => observer.disconnect();
  }, []);
  const columns = Math.max(1, Math.floor((width + GAP) / (TILE_WIDTH_MIN + GAP)));
  const rows = useVirtualizer({
    count: Math.ceil(ids.length / columns),
    getScrollElement: () => box.current,
    estimateSize: () => TILE_HEIGHT + GAP,
    overscan: 2,
  });
  const move = (by: number) => {
    const at = selected === null ? -1 : ids.indexOf(selected);
    const next = ids[Math.min(ids.length - 1, Math.max(0, at === -1 ? 0 : at + by))];
    if (next === undefined) return;
    select(next);
    rows.scrollToIndex(Math.floor(ids.indexOf(next) / columns));
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(next)}"] a`)?.focus());
  };
  useKey("down", () => move(1));
  useKey("up", () => move(-1));
  useKey("channel", () => selected && navigate(`/channels/${encodeURIComponent(selected)}`), {
    enabled: selected !== null,
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const by: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const step = by[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(step);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows move between the links in it; the pointer holds its order
    <div
      ref={box}
      className="tiles is-live"
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onKeyDown={onKeyDown}
    >
      <div className="tiles-all" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => (
          <div
            key={row.key}
            className="tiles-row"
            style={{
              transform: `translateY(${row.start}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {ids.slice(row.index * columns, (row.index + 1) * columns).map((id) => (
              <Tile key={id} id={id} selected={id === selected} onSelect={select} />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
