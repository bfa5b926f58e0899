// One channel on the wall: its last frame, how it stands, how closely it is watched and why.

import { memo, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { Icon } from "../../design/icons";
import { Badge } from "../../design/parts";
import { useChannel, useNow } from "../../live/live";
import type { ChannelRow } from "../../live/store";
import { useMay } from "../../session/session";
import { interval, lasting, moment } from "../../words/time";
import { causeWords, outcomeWords, severityTone, unwatchedWords } from "../../words/words";
import { UnjudgedBadges } from "../unjudged";

interface TileProps {
  id: string;
  /** How it stood when it was asked for, where the live feed does not tell of it. */
  given?: ChannelRow;
  selected: boolean;
  onSelect: (id: string) => void;
}

export const Tile = memo(function Tile({ id, given, selected, onSelect }: TileProps) {
  const row = useChannel(id) ?? given;
  if (!row) return <div className="tile" data-id={id} aria-hidden="true" />;
  const warned = row.open_warnings > 0;
  const to = warned ? `/queue?channel=${encodeURIComponent(id)}` : `/channels/${encodeURIComponent(id)}`;
  return (
    <article
      className="tile card"
      data-id={id}
      data-frame={row.last_frame?.frame}
      data-selected={selected || undefined}
      data-tone={toneOf(row)}
      onFocus={() => onSelect(id)}
    >
      <Link href={to} className="tile-link">
        <LastPicture row={row} />
        <h2 title={id}>{id}</h2>
      </Link>
      <div className="row tile-state">
        <State row={row} />
      </div>
      <Watch row={row} />
    </article>
  );
});

function toneOf(row: ChannelRow): string | undefined {
  if (row.open_warnings > 0) return severityTone(row.worst_severity ?? 1);
  const blind = typeof row.coverage === "object" && "unwatched" in row.coverage;
  return blind || row.unjudged.length > 0 ? "broken" : undefined;
}

function State({ row }: { row: ChannelRow }) {
  const now = useNow();
  const { coverage, last_frame } = row;
  return (
    <>
      {row.open_warnings > 0 && (
        <Badge tone={severityTone(row.worst_severity ?? 1)}>
          {row.open_warnings} open, severity {row.worst_severity}
        </Badge>
      )}
      {typeof coverage === "object" && "unwatched" in coverage && (
        <Badge tone="broken" icon="blind" title={`Nobody looks at it: ${unwatchedWords(coverage.unwatched.because)}.`}>
          unwatched {lasting(now - Date.parse(coverage.unwatched.since))}
        </Badge>
      )}
      <UnjudgedBadges row={row} />
      {!row.session && <Badge tone="quiet">off the air</Badge>}
      {row.open_warnings === 0 && last_frame && <OutcomeBadge row={row} />}
    </>
  );
}

function OutcomeBadge({ row }: { row: ChannelRow }) {
  if (!row.last_frame) return null;
  const { text, tone } = outcomeWords(row.last_frame.outcome);
  return <Badge tone={tone}>{text}</Badge>;
}

function Watch({ row }: { row: ChannelRow }) {
  const now = useNow();
  const { cadence, last_frame, counts } = row;
  return (
    <dl className="tile-facts">
      <div>
        <dt>
          <Icon name="eye" label="Watched" />
        </dt>
        <dd title={cadence ? `Because ${causeWords(cadence.because)}.` : undefined}>
          {cadence ? `every ${interval(cadence.pace.interval_ms)}: ${causeWords(cadence.because)}` : "no cadence yet"}
        </dd>
      </div>
      <div>
        <dt>
          <Icon name="clock" label={row.ended ? "On the air" : "Last frame"} />
        </dt>
        <dd className="number" title={row.ended ? `Broadcast ${row.ended.session}` : undefined}>
          {row.ended
            ? `ended ${moment(row.ended.at)}, ${lasting(now - Date.parse(row.ended.at))} ago`
            : last_frame
              ? `${lasting(now - Date.parse(last_frame.captured_at))} ago`
              : "no frame yet"}
          {counts.unwatched_ms > 0 && `, unwatched ${lasting(counts.unwatched_ms)} in all`}
        </dd>
      </div>
      <div>
        <dt>
          <Icon name="person" label="Reputation" />
        </dt>
        <dd className="number">
          {cadence?.score == null ? "cadence fixed by its policy" : `reputation ${cadence.score.toFixed(2)}`}
        </dd>
      </div>
    </dl>
  );
}

/** A channel that sends frames faster than this is shown a new picture no more often. */
const PICTURE_MS = 3_000;

/** The newest picture the server looked at; asked for anew only when there is a newer frame. */
function LastPicture({ row }: { row: ChannelRow }) {
  const may = useMay()("read_evidence", row.channel);
  const frame = useSettled(useLookedAt(row));
  // Warned channels come veiled and others do not: the address says which, so that a veil is never left from before.
  const state = row.open_warnings > 0 ? "veiled" : "plain";
  const src =
    may && frame ? `/v1/channels/${encodeURIComponent(row.channel)}/picture?frame=${frame}&as=${state}` : null;
  const [shown, setShown] = useState<string | null>(null);
  const [absent, setAbsent] = useState<string | null>(null);
  return (
    <span className="tile-picture">
      {src && absent !== src ? (
        <>
          {shown && shown !== src && <img src={shown} alt="" aria-hidden="true" />}
          <img
            src={src}
            alt={`Last frame of ${row.channel}`}
            decoding="async"
            onLoad={() => setShown(src)}
            onError={() => setAbsent(src)}
          />
        </>
      ) : (
        <span className="picture-absent">
          {!may ? "Your role sees no pictures" : frame ? "No picture at hand" : "No frame yet"}
        </span>
      )}
    </span>
  );
}

/** The newest frame that the server fetched: what the cadence passes over has no picture. */
function useLookedAt(row: ChannelRow): string | undefined {
  const last = row.last_frame;
  const passedOver =
    last && typeof last.outcome === "object" && "skipped" in last.outcome && last.outcome.skipped !== "similar";
  const newest = useRef<string | undefined>(undefined);
  if (last && (!passedOver || newest.current === undefined)) newest.current = last.frame;
  return newest.current;
}

/** The newest of a value that changes often, taken at most every so often. */
function useSettled(value: string | undefined): string | undefined {
  const [settled, settle] = useState(value);
  const [since, setSince] = useState(0);
  useEffect(() => {
    if (value === settled) return;
    const left = Math.max(0, since + PICTURE_MS - performance.now());
    const timer = setTimeout(() => {
      setSince(performance.now());
      settle(value);
    }, left);
    return () => clearTimeout(timer);
  }, [value, settled, since]);
  return settled;
}
