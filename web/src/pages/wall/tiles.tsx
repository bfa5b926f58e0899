// Tiles of channels in a given order, of which only those that can be seen are drawn; arrows move between them.

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useKey } from "../../keys/keys";
import type { ChannelRow } from "../../live/store";
import { Tile } from "./tile";

const TILE_WIDTH_MIN = 232;
const TILE_HEIGHT = 238;
const GAP = 12;

interface TilesProps {
  ids: readonly string[];
  hold: (held: boolean) => void;
  /** Rows of channels that the live feed does not tell of. */
  rows?: ReadonlyMap<string, ChannelRow>;
}

export function Tiles({ ids, hold, rows: given }: TilesProps) {
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
              <Tile key={id} id={id} given={given?.get(id)} selected={id === selected} onSelect={select} />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
