// The moderators' queue beside the case that is open. What is selected is a warning's id; the list never moves under the
// reader's hand.

import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useSettings } from "../../care/settings";
import { Badge, Button, Waiting } from "../../design/parts";
import { useKey } from "../../keys/keys";
import { useLink, useLive, useNow, useWarning, useWarningsVersion } from "../../live/live";
import { useWho } from "../../session/session";
import { labelWords, MEDIA, severityTone } from "../../words/words";
import { undoLeft } from "../case/acts";
import { Case, DueClock, Standing } from "../case/case";
import { byUrgency, held, isOpen } from "./order";
import { TakeBack } from "./take-back";
import "./queue.css";

export function Queue({ id }: { id: string | null }) {
  const live = useLive();
  const link = useLink();
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const channel = search.get("channel");
  const { settings } = useSettings();
  const { caller } = useWho();
  const [lastAnswered, setLastAnswered] = useState<string | null>(null);
  const list = useList(channel);
  const shownRow = useWarning(id);
  const now = useNow();
  // One key takes back one answer: that of the case that is open, where it can.
  const caseOffers = shownRow !== undefined && undoLeft(shownRow, caller.id, now) > 0;
  const query = search.size ? `?${search}` : "";
  const open = (warning: string) => navigate(`/queue/${warning}${query}`);
  const at = id ? list.ids.indexOf(id) : -1;
  const move = (by: number) => {
    const next = list.ids[at === -1 ? 0 : Math.min(list.ids.length - 1, Math.max(0, at + by))];
    if (next) {
      list.hold();
      open(next);
    }
  };
  useKey("down", () => move(1));
  useKey("up", () => move(-1));
  const urgent = () => {
    const next = list.fresh.find((warning) => {
      const row = live.warning(warning);
      return row && isOpen(row) && row.standing === "open" && warning !== id;
    });
    if (next) open(next);
    else navigate(`/queue${query}`);
  };
  useKey("next_urgent", urgent);
  const onAnswered = (answered: string) => {
    setLastAnswered(answered);
    // An answer may come late: whoever has gone elsewhere meanwhile stays there.
    if (!settings.goOn || window.location.pathname !== `/queue/${answered}`) return;
    // The next that somebody is needed for: what is shown below, or else from the top.
    const rest = [...list.ids.slice(at + 1), ...list.ids.slice(0, Math.max(0, at))];
    const next = rest.find((warning) => live.warning(warning)?.standing === "open");
    navigate(next ? `/queue/${next}${query}` : `/queue${query}`);
  };
  // The most urgent one is opened, so that a shift begins with a case and not with a list.
  const first = list.ids.find((warning) => live.warning(warning)?.standing === "open");
  useEffect(() => {
    if (id === null && first && window.matchMedia("(min-width: 1000px)").matches)
      navigate(`/queue/${first}${query}`, { replace: true });
  }, [id, first, navigate, query]);

  return (
    <div className="queue" data-open={id !== null}>
      <section className="queue-list is-live" aria-label="Warnings">
        <div className="page-head">
          <h1>Queue</h1>
          {list.waiting > 0 && (
            <Button binding="reorder" onPress={list.again}>
              {list.waiting} new
            </Button>
          )}
          {channel && (
            <Badge tone="quiet">
              only {channel} <Link href={id ? `/queue/${id}` : "/queue"}>show all</Link>
            </Badge>
          )}
        </div>
        <TakeBack last={lastAnswered} shown={id} hidden={caseOffers} onTakenBack={open} />
        {!live.everReady() ? (
          <Waiting
            what={link === "lost" ? "The feed is broken; nothing is known of warnings" : "Waiting for the live feed"}
          />
        ) : list.ids.length === 0 ? (
          <p className="empty">
            {link === "live" ? "No warning is open." : "No warning was open when the feed was last heard."}
          </p>
        ) : (
          <ul onPointerEnter={() => list.point(true)} onPointerLeave={() => list.point(false)}>
            {list.ids.map((warning) => (
              <Row
                key={warning}
                id={warning}
                selected={warning === id}
                href={`/queue/${warning}${query}`}
                me={caller.id}
              />
            ))}
          </ul>
        )}
      </section>
      <section className="queue-case" aria-label="The case">
        {id ? (
          <>
            <Link href={`/queue${query}`} className="button back-to-list">
              All warnings
            </Link>
            <Case id={id} onAnswered={onAnswered} />
          </>
        ) : (
          list.ids.length > 0 && <p className="empty">Choose a warning.</p>
        )}
      </section>
    </div>
  );
}

/** For how long after a key or a pointer the order keeps still. */
const HELD_MS = 4_000;

function useList(channel: string | null) {
  const live = useLive();
  const version = useWarningsVersion();
  const [held_, setHeld] = useState(0);
  const [pointed, point] = useState(false);
  const shown = useRef<string[]>([]);
  const [, redraw] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for what is in the store
  const fresh = useMemo(
    () =>
      [...live.warnings().values()]
        .filter((row) => channel === null || row.channel === channel)
        .sort(byUrgency)
        .map((row) => row.warning),
    [live, version, channel],
  );
  useEffect(() => {
    if (held_ === 0) return;
    const timer = setTimeout(() => setHeld(0), HELD_MS);
    return () => clearTimeout(timer);
  }, [held_]);
  const isHeld = (held_ > 0 || pointed) && shown.current.length > 0;
  let waiting = 0;
  if (isHeld) {
    const kept = held(shown.current, fresh);
    shown.current = kept.order;
    waiting = kept.waiting;
  } else {
    shown.current = fresh;
  }
  return {
    ids: shown.current,
    fresh,
    waiting,
    /** For a while, by a key. */
    hold: () => setHeld((count) => count + 1),
    /** For as long as the pointer is on it. */
    point,
    again: () => {
      shown.current = fresh;
      point(false);
      setHeld(0);
      redraw((count) => count + 1);
    },
  };
}

function Row({ id, selected, href, me }: { id: string; selected: boolean; href: string; me: string }) {
  const row = useWarning(id);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (selected) item.current?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  if (!row) return null;
  return (
    <li
      ref={item}
      className="queue-row"
      data-warning={id}
      data-selected={selected || undefined}
      data-tone={row.answer ? "quiet" : severityTone(row.severity)}
    >
      <Link href={href} aria-current={selected ? "true" : undefined}>
        <span className="row">
          <Badge tone={severityTone(row.severity)}>{row.severity}</Badge>
          <strong>{row.channel}</strong>
        </span>
        <span className="queue-what">
          {row.decided_by ? `${row.decided_by.action} by ${row.decided_by.by}` : row.rule}
          {row.label && (
            <span className="muted">
              {" "}
              {labelWords(row.label)} {row.confidence?.toFixed(0)} %
            </span>
          )}
        </span>
        <span className="row">
          <DueClock row={row} />
          <Standing row={row} me={me} />
          <Badge tone="quiet">{MEDIA[row.medium]}</Badge>
        </span>
      </Link>
    </li>
  );
}
