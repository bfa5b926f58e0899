// Channels whose broadcast ended within the last day, the latest first, as the server lists them.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { Button, Loaded } from "../../design/parts";
import { useLive } from "../../live/live";
import type { ChannelRow } from "../../live/store";
import { isFound } from "./need";
import { Tiles } from "./tiles";

const LATELY_MS = 24 * 3_600_000;
const PAGE = 200;

export function EndedLately({ search }: { search: string }) {
  const live = useLive();
  const query = useInfiniteQuery({
    queryKey: ["ended"],
    queryFn: ({ pageParam }) => {
      const ended_since = new Date(live.now() - LATELY_MS).toISOString();
      const query = { order: "ended", ended_since, limit: PAGE, after: pageParam } as const;
      return answered(api.GET("/v1/channels", { params: { query } })) as Promise<Schemas["ChannelList"]>;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 15_000,
  });
  const rows = useMemo(() => {
    const found = query.data?.pages.flatMap((page) => page.items) ?? [];
    return new Map(found.filter((row) => isFound(row, search)).map((row) => [row.channel, row as ChannelRow]));
  }, [query.data, search]);
  const ids = useMemo(() => [...rows.keys()], [rows]);
  return (
    <Loaded query={query} what="What ended lately">
      {() => (
        <>
          {ids.length === 0 ? (
            <p className="empty">
              {search ? `No channel that ended within a day matches “${search}”` : "No broadcast ended within a day"}
              {query.hasNextPage ? ", as far as was looked." : "."}
            </p>
          ) : (
            <Tiles ids={ids} rows={rows} hold={() => undefined} />
          )}
          {query.hasNextPage && (
            <Button look="plain" onPress={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
              Further back
            </Button>
          )}
        </>
      )}
    </Loaded>
  );
}
