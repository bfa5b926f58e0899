// The node in figures: what waits, how soon it was answered, what rules found and what people said to it, what was not
// watched, and what it cost. Each figure stands with the number that it rests on.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { answered, api } from "../../api/client";
import { Badge, Button, Loaded, Moment } from "../../design/parts";
import { lasting } from "../../words/time";
import type { Tone } from "../../words/words";
import { autoShare, count, type Overview, ofAll, percent, took } from "./figures";
import { Answers, Frames, Unwatched } from "./hours";
import { Rates } from "./rates";
import { Providers, Rules, Stops } from "./tables";
import { Waiting } from "./waiting";
import "./overview.css";

const RANGES = [1, 6, 24, 168] as const;
const ASK_MS = 10_000;

export default function OverviewPage() {
  const [search, setSearch] = useSearchParams();
  const hours = RANGES.find((hours) => String(hours) === search.get("hours")) ?? 24;
  const query = useQuery({
    queryKey: ["overview", hours],
    queryFn: () => answered(api.GET("/v1/overview", { params: { query: { hours } } })) as Promise<Overview>,
    refetchInterval: ASK_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="overview">
      <div className="page-head">
        <h1>Overview</h1>
        <fieldset className="row overview-ranges">
          <legend className="unseen">How far back</legend>
          {RANGES.map((range) => (
            <Button
              key={range}
              look={range === hours ? "main" : undefined}
              aria-pressed={range === hours}
              onPress={() => setSearch({ hours: String(range) }, { replace: true })}
            >
              {range === 168 ? "7 d" : `${range} h`}
            </Button>
          ))}
        </fieldset>
        <span className="spacer" />
        {query.data && (
          <span className="muted">
            since <Moment at={query.data.from} />, as of <Moment at={query.data.now} />
          </span>
        )}
      </div>
      <Loaded query={query} what="The figures">
        {(overview) => <Figures overview={overview} />}
      </Loaded>
    </div>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const all = ofAll(overview);
  return (
    <>
      {!all && (
        <p className="note" data-tone="quiet">
          Of the channels that you may see. Frames, the time in which nobody looked, and what providers cost are counted
          for all channels together, and are for those who may see all of them.
        </p>
      )}
      <Heads overview={overview} />
      <div className="overview-grid">
        <Waiting overview={overview} />
        <Answers overview={overview} />
        {all && <Frames overview={all} />}
        {all && <Unwatched overview={all} />}
      </div>
      <Rules overview={overview} />
      <Rates overview={overview} />
      <div className="overview-grid">
        <Stops overview={overview} />
        {all && <Providers overview={all} />}
      </div>
    </>
  );
}

interface HeadProps {
  name: string;
  value: ReactNode;
  tone?: Tone;
  /** What the value rests on. */
  of: ReactNode;
}

function Head({ name, value, tone, of }: HeadProps) {
  return (
    <div className="card overview-head" data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        <strong className="number">{value}</strong>
        <span className="muted">{of}</span>
      </dd>
    </div>
  );
}

function Heads({ overview: { open, answered_in, stops, channels, rules } }: { overview: Overview }) {
  const answers = rules.reduce((sum, rule) => sum + rule.answered, 0);
  const upheld = rules.reduce((sum, rule) => sum + rule.upheld, 0);
  return (
    <dl className="overview-heads">
      <Head
        name="Open warnings"
        value={count(open.count)}
        tone={open.past_due > 0 ? "grave" : undefined}
        of={
          open.past_due > 0 ? (
            <Badge tone="grave" icon="clock">
              {count(open.past_due)} past due
            </Badge>
          ) : (
            "none past due"
          )
        }
      />
      <Head
        name="Time to a decision"
        value={took(answered_in.median_ms)}
        of={
          answered_in.count === 0
            ? "nothing answered"
            : `median of ${count(answered_in.count)}; p95 ${took(answered_in.p95_ms)}`
        }
      />
      <Head
        name="Upheld"
        value={answers === 0 ? "–" : percent((100 * upheld) / answers)}
        of={answers === 0 ? "nothing answered" : `${count(upheld)} of ${count(answers)} answered`}
      />
      <Head name="Stopped without a person" value={count(stops.automatic.requested)} of={autoShare(stops)} />
      <Head
        name="Live channels watched"
        value={`${count(channels.watched)} of ${count(channels.live)}`}
        tone={channels.unwatched > 0 ? "broken" : undefined}
        of={
          channels.unwatched > 0 ? (
            <Link href="/wall?only=unwatched">
              <Badge tone="broken" icon="blind">
                {count(channels.unwatched)} unwatched now
              </Badge>
            </Link>
          ) : (
            "none unwatched"
          )
        }
      />
      {channels.unwatched_ms != null && (
        <Head
          name="Unwatched in all"
          value={lasting(channels.unwatched_ms)}
          of={`of ${count(channels.known)} channels known`}
        />
      )}
    </dl>
  );
}
