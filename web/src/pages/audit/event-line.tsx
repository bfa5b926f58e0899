// One event on one line: when, what, in words, and where it leads.

import { Link } from "wouter";
import { Badge, Moment } from "../../design/parts";
import { eventWords, type RecordedEvent, short } from "../../words/events";
import "./event-line.css";

interface EventLineProps {
  event: RecordedEvent;
  /** Names the channel too. */
  withChannel?: boolean;
}

export function EventLine({ event, withChannel }: EventLineProps) {
  const words = eventWords(event);
  const isChannel = !event.scope.startsWith("$"); // the others are lists of the system
  return (
    <div className="event-line">
      <Moment at={event.recorded_at} />
      <Badge tone={words.tone}>{words.what}</Badge>
      <span className="event-line-text">
        {withChannel && isChannel && (
          <>
            <Link href={`/channels/${encodeURIComponent(event.scope)}`}>{event.scope}</Link>{" "}
          </>
        )}
        {words.text}
      </span>
      <span className="event-line-to">
        {words.frame && (
          <Link href={`/decisions/${words.frame}`} title={`Frame ${words.frame}`}>
            decision <span className="mono">{short(words.frame)}</span>
          </Link>
        )}
        {words.warning && (
          <Link href={`/queue/${words.warning}`} title={`Warning ${words.warning}`}>
            warning <span className="mono">{short(words.warning)}</span>
          </Link>
        )}
        {isChannel && (
          <Link
            className="muted number"
            href={`/audit/channels/${encodeURIComponent(event.scope)}?at=${event.sequence}`}
            title="How the channel stood just after it"
          >
            #{event.sequence}
          </Link>
        )}
      </span>
    </div>
  );
}
