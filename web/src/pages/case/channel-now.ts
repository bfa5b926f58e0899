// The channel of a case as it stands: by the feed, and where that does not know it, asked of the server. Unknown is
// unknown, and not "off the air".

import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { useChannel, useLink } from "../../live/live";
import type { ChannelRow } from "../../live/store";

type Now = Pick<ChannelRow, "session" | "last_frame" | "cadence" | "counts">;

/** Asked again so often while the feed does not know the channel. */
const ASK_MS = 5_000;

export function useChannelNow(channel: string): { row: Now | undefined; error: unknown } {
  const row = useChannel(channel);
  const live = useLink() === "live";
  const asked = useQuery({
    queryKey: ["channel", channel, "now"],
    queryFn: () => answered(api.GET("/v1/channels/{channel}", { params: { path: { channel } } })),
    enabled: row === undefined || !live,
    refetchInterval: ASK_MS,
  });
  return { row: (live ? row : undefined) ?? asked.data ?? row, error: asked.error };
}
