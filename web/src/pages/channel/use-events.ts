// A channel's events, newest first and as far back as somebody scrolls; what happens meanwhile is put before them, so
// that no page is asked for twice.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import { answered, api } from "../../api/client";
import { listChannelEvents, nextOf } from "../../api/events";
import { useChannel, useLive } from "../../live/live";
import type { RecordedEvent } from "../../words/events";
import type { Piece } from "./history";

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

/** So many pieces of the past are asked for, of 15,000 events each or all there are. */
const PIECES_MAX = 5;

/** How the channel was watched and trusted in the last hours, as the server tells it. */
export function useHistory(channel: string, hours: number) {
  const live = useLive();
  const sequence = useChannel(channel)?.last_event.sequence ?? 0;
  return useQuery({
    queryKey: ["history", channel, hours],
    queryFn: async () => {
      const asOf = live.now();
      const from = new Date(asOf - hours * 3_600_000).toISOString();
      const pieces: Piece[] = [];
      let to: string | undefined;
      let cut = true;
      while (cut && pieces.length < PIECES_MAX) {
        const query = { from, to, part: "end" as const };
        const piece = (await answered(
          api.GET("/v1/channels/{channel}/history", { params: { path: { channel }, query } }),
        )) as Piece;
        pieces.unshift(piece);
        to = piece.from;
        cut = !piece.complete;
      }
      return { pieces, cut, asOf };
    },
    refetchInterval: sequence ? 15_000 : false,
  });
}
