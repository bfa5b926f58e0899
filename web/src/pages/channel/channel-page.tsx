// One channel: how it stands, how closely it is watched and why, how far it is trusted, and all that happened.

import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { answered, api, Refused, type Schemas } from "../../api/client";
import { Badge, Button, Loaded, Moment } from "../../design/parts";
import { useChannel, useNow } from "../../live/live";
import { lasting, moment } from "../../words/time";
import { cadenceWords, outcomeWords, severityTone, unwatchedWords } from "../../words/words";
import { UnjudgedBadges } from "../unjudged";
import { Coverage } from "./coverage";
import { beginOf, type Now, spansOf, steps } from "./history";
import { CadenceHistory, Reputation, useReputation } from "./reputation";
import { Timeline } from "./timeline";
import { useHistory } from "./use-events";
import "./channel.css";

type Row = Omit<Schemas["OneChannel"], "head" | "warnings">;

export default function ChannelPage({ channel }: { channel: string }) {
  const live = useChannel(channel);
  const query = useQuery({
    queryKey: ["channel", channel],
    queryFn: () => answered(api.GET("/v1/channels/{channel}", { params: { path: { channel } } })),
  });
  if (query.error instanceof Refused && query.error.status === 404) {
    return (
      <div className="stack">
        <h1>{channel}</h1>
        <p className="empty">Nothing is recorded of this channel, or it is not among yours.</p>
      </div>
    );
  }
  return (
    <div className="channel stack">
      <h1>{channel}</h1>
      <Loaded query={live ? { ...query, data: live as Row, error: null } : query} what="The channel">
        {(row: Row) => (
          <>
            <Head row={row} />
            <div className="channel-body">
              <Past row={row} />
              <Timeline channel={channel} />
            </div>
          </>
        )}
      </Loaded>
    </div>
  );
}

function Head({ row }: { row: Row }) {
  const now = useNow();
  const reputation = useReputation(row.channel, row.last_event.sequence);
  const { coverage, session, counts, last_frame } = row;
  const unwatched = typeof coverage === "object" && "unwatched" in coverage ? coverage.unwatched : null;
  const outcome = last_frame && outcomeWords(last_frame.outcome);
  return (
    <section className="card channel-head is-live" aria-label="How it stands">
      <div className="row">
        {session ? (
          <Badge tone="calm" icon="eye" title={`Broadcast ${session.session}`}>
            on the air for {lasting(now - Date.parse(session.since))}
          </Badge>
        ) : (
          <Badge tone="quiet" title={row.ended ? `Broadcast ${row.ended.session}` : undefined}>
            {row.ended ? `off the air since ${moment(row.ended.at)}` : "off the air"}
          </Badge>
        )}
        {unwatched && (
          <Badge tone="broken" icon="blind">
            unwatched for {lasting(now - Date.parse(unwatched.since))}: {unwatchedWords(unwatched.because)}
          </Badge>
        )}
        <UnjudgedBadges row={row} />
        {row.open_warnings > 0 ? (
          <Link className="channel-open" href={`/queue?channel=${encodeURIComponent(row.channel)}`}>
            <Badge tone={severityTone(row.worst_severity ?? 1)}>
              {row.open_warnings} open {row.open_warnings === 1 ? "warning" : "warnings"}, severity {row.worst_severity}
            </Badge>
          </Link>
        ) : (
          <Badge tone="calm">no open warning</Badge>
        )}
        {outcome && last_frame && (
          <Link href={`/decisions/${last_frame.frame}`}>
            last frame: {outcome.text}, {lasting(now - Date.parse(last_frame.captured_at))} ago
          </Link>
        )}
        <span className="channel-to">
          <Link href={`/audit/channels/${encodeURIComponent(row.channel)}?at=${row.last_event.sequence}`}>
            Go through time
          </Link>
        </span>
      </div>
      <p>
        <strong>{row.cadence ? `Looked at ${cadenceWords(row.cadence)}.` : "It has no cadence yet."}</strong>{" "}
        {reputation.data && <span className="muted">{sentence(shortened(reputation.data.says))}</span>}
      </p>
      <dl className="channel-counts">
        {(
          [
            ["judged", counts.assessed],
            ["not clear", counts.not_clear],
            ["as before", counts.similar],
            ["not due", counts.too_soon],
            ["failed", counts.failed],
            ["warnings", counts.warnings],
            ["upheld", counts.upheld],
            ["dismissed", counts.dismissed],
            ["stops", counts.enforcements],
            ["broadcasts", counts.sessions],
          ] as const
        ).map(([name, count]) => (
          <div key={name} data-none={count === 0 || undefined}>
            <dt>{name}</dt>
            <dd className="number">{count.toLocaleString("en")}</dd>
          </div>
        ))}
        <div data-none={counts.unwatched_ms === 0 || undefined}>
          <dt>unwatched</dt>
          <dd className="number">{lasting(counts.unwatched_ms)}</dd>
        </div>
      </dl>
    </section>
  );
}

const RANGES = [1, 6, 24, 168] as const;

function Past({ row }: { row: Row }) {
  const { channel, last_event } = row;
  const [search, setSearch] = useSearchParams();
  const hours = RANGES.find((hours) => String(hours) === search.get("hours")) ?? 24;
  const history = useHistory(channel, hours);
  const reputation = useReputation(channel, last_event.sequence);
  return (
    <section className="card stack channel-past" aria-labelledby="channel-past">
      <div className="row">
        <h2 id="channel-past">How it was watched</h2>
        <fieldset className="row channel-ranges">
          <legend className="unseen">How far back</legend>
          {RANGES.map((range) => (
            <Button
              key={range}
              look={range === hours ? "main" : undefined}
              aria-pressed={range === hours}
              onPress={() => {
                const next = new URLSearchParams(search);
                next.set("hours", String(range));
                setSearch(next, { replace: true });
              }}
            >
              {range === 168 ? "7 d" : `${range} h`}
            </Button>
          ))}
        </fieldset>
      </div>
      <Loaded query={history} what="The past">
        {({ pieces, cut, asOf }) => {
          const from = beginOf(pieces, asOf - hours * 3_600_000, row.counts.sessions, cut);
          return (
            <>
              {cut && (
                <p className="note" data-tone="warn">
                  So much happened that only what is since <Moment at={from} /> is shown.
                </p>
              )}
              <Coverage spans={spansOf(pieces, from, asOf, coverageNow(row))} from={from} to={asOf} />
              <Loaded query={reputation} what="The reputation">
                {(now) => <Reputation channel={channel} now={now} pieces={pieces} from={from} to={asOf} />}
              </Loaded>
              <CadenceHistory steps={steps(pieces, from)} />
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function coverageNow({ coverage }: Row): Now {
  if (typeof coverage === "string") return { state: "idle" };
  if ("watched" in coverage) return { state: "watched", since: Date.parse(coverage.watched.since) };
  const { since, because } = coverage.unwatched;
  return { state: "unwatched", since: Date.parse(since), because };
}

/** The server's sentence without what is said just before it, its moments as clocks of the reader's own. */
function shortened(says: string): string {
  return says
    .replace(/^looked at every [\d.]+ (ms|s|min)( [\d.]+ s)?[:,;]?\s*/, "")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (at) => moment(at));
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
