// Media of a channel's segments that nobody judges: said beside what is said of its pictures, in words and with a shape.

import { Badge } from "../design/parts";
import { useNow } from "../live/live";
import type { ChannelRow } from "../live/store";
import { lasting } from "../words/time";
import { MEDIA, unjudgedWords } from "../words/words";

export function UnjudgedBadges({ row }: { row: Pick<ChannelRow, "unjudged"> }) {
  const now = useNow();
  return row.unjudged.map(({ medium, since, because }) => (
    <Badge
      key={medium}
      tone="broken"
      icon="blind"
      title={`Nobody judges its ${MEDIA[medium]}: ${unjudgedWords(because)}.`}
    >
      {MEDIA[medium]} unjudged {lasting(now - Date.parse(since))}
    </Badge>
  ));
}
