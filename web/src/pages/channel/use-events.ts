// A channel's events, newest first and as far back as somebody scrolls; what happens meanwhile is put before them, so
// that no page is asked for twice.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import { listChannelEvents, nextOf } from "../../api/events";
import { useChannel } from "../../live/live";
import type { RecordedEvent } from "../../words/events";
import { HISTORY_TYPES } from "./history";

const PAGE = 100;
/** New events are asked for so often at most. */
const FRESH_MS = 1_000;
/** More than this at once, and the list begins anew. */
const FRESH_MAX = 2_000;

export function useTimeline(channel: string, types: string | undefined) {
  const newest = useChannel(channel)?.last_event.sequence;
  const [fresh, setFresh] = useState<readonly RecordedEvent[]>([]);
  const [behind, setBehind] = useState<unknown>(null);
  const query = useInfiniteQuery({
    queryKey: ["timeline", channel, types],
    queryFn: ({ pageParam }) =>
      listChannelEvents(channel, { type: types, order: "desc", limit: PAGE, after: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: nextOf,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other events are asked for: those at hand are not of them
  useEffect(() => setFresh([]), [channel, types]);
  const known = fresh[0]?.sequence ?? query.data?.pages[0]?.items[0]?.sequence ?? 0;
  const refetch = useEffectEvent(() => void query.refetch());
  const isLoaded = query.data !== undefined;
  useEffect(() => {
    if (!isLoaded || newest === undefined || newest <= known) return;
    let gone = false;
    const timer = setTimeout(async () => {
      try {
        let after = known;
        const found: RecordedEvent[] = [];
        for (;;) {
          const page = await listChannelEvents(channel, { type: types, order: "asc", limit: PAGE, after });
          if (gone) return;
          found.push(...page.items);
          const next = nextOf(page);
          if (next === undefined || page.items.length === 0) break;
          after = next;
          if (found.length > FRESH_MAX) return refetch();
        }
        setBehind(null);
        const newestFirst = found.toReversed();
        if (newestFirst.length) setFresh((before) => [...newestFirst, ...before]);
      } catch (error) {
        if (!gone) setBehind(error);
      }
    }, FRESH_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [channel, types, newest, known, isLoaded]);
  const events = useMemo(
    () => [...fresh, ...(query.data?.pages.flatMap((page) => page.items) ?? [])],
    [fresh, query.data],
  );
  return { query, events, behind };
}

/** Events of the last hours that tell how the channel was watched and trusted, oldest first. */
const HISTORY_PAGES = 5;
const HISTORY_PAGE = 200;

export function useHistory(channel: string, hours: number) {
  const sequence = useChannel(channel)?.last_event.sequence ?? 0;
  return useQuery({
    queryKey: ["history", channel, hours],
    queryFn: async () => {
      const now = Date.now();
      const recorded_from = new Date(now - hours * 3_600_000).toISOString();
      const found: RecordedEvent[] = [];
      let after: number | undefined;
      let cut = true;
      for (let turn = 0; turn < HISTORY_PAGES; turn++) {
        const page = await listChannelEvents(channel, {
          order: "desc",
          limit: HISTORY_PAGE,
          after,
          type: HISTORY_TYPES.join(","),
          recorded_from,
        });
        found.push(...page.items);
        after = nextOf(page);
        if (after === undefined) {
          cut = false;
          break;
        }
      }
      return { events: found.reverse(), cut, asOf: now };
    },
    refetchInterval: sequence ? 15_000 : false,
  });
}
