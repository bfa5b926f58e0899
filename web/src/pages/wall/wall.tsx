// Every live channel, what needs somebody first or who is trusted least; and those that ended lately.

import { useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { Button, Waiting } from "../../design/parts";
import { useKey } from "../../keys/keys";
import { useLink, useLive, useNow } from "../../live/live";
import { held } from "../queue/order";
import { EndedLately } from "./ended";
import { type By, isWanted, type Only, ordered, type Wanted } from "./need";
import { Tiles } from "./tiles";

const FILTERS: readonly { only: Only; name: string }[] = [
  { only: "all", name: "Now" },
  { only: "warnings", name: "With warnings" },
  { only: "unwatched", name: "Unwatched" },
];

/** Those off the air are not in the live feed: they are asked for. */
const ENDED = "ended";

export function Wall() {
  const live = useLive();
  const link = useLink();
  const [search, setSearch] = useSearchParams();
  const only = (FILTERS.find((filter) => filter.only === search.get("only"))?.only ?? "all") as Only;
  const isEnded = search.get("only") === ENDED;
  const by: By = search.get("by") === "risk" ? "risk" : "need";
  const text = search.get("search") ?? "";
  const field = useRef<HTMLInputElement>(null);
  useKey("search", () => field.current?.focus());
  const set = (change: { only?: Only | typeof ENDED; by?: By; search?: string }) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(change))
      value && value !== "all" && value !== "need" ? next.set(name, value) : next.delete(name);
    setSearch(next, { replace: true });
  };
  const wanted = useMemo(() => ({ only, search: text, by }), [only, text, by]);
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
              look={filter.only === only && !isEnded ? "main" : undefined}
              aria-pressed={filter.only === only && !isEnded}
              onPress={() => set({ only: filter.only })}
            >
              {filter.name} <span className="number">{live.everReady() ? counts[filter.only] : "–"}</span>
            </Button>
          ))}
          <Button look={isEnded ? "main" : undefined} aria-pressed={isEnded} onPress={() => set({ only: ENDED })}>
            Ended lately
          </Button>
        </fieldset>
        {!isEnded && (
          <label className="row">
            <span className="unseen">In which order</span>
            <select className="text wall-order" value={by} onChange={(event) => set({ by: event.target.value as By })}>
              <option value="need">by need</option>
              <option value="risk">by risk</option>
            </select>
          </label>
        )}
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
        {order.waiting > 0 && !isEnded && (
          <Button binding="reorder" onPress={order.again}>
            {order.waiting} new or moved
          </Button>
        )}
      </div>
      {!live.everReady() ? (
        <Waiting what="Waiting for the live feed" />
      ) : isEnded ? (
        <EndedLately search={text} />
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
function useOrder(wanted: Wanted) {
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
