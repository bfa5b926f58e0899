// A channel as it was: at each of its events, or at a time. Keys go from event to event; what an event changed is marked.
// The address is the permalink.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { answered, api, Refused, type Schemas, said } from "../../api/client";
import { listChannelEvents } from "../../api/events";
import { Badge, Button, Failed, Loaded, Moment } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { useChannel } from "../../live/live";
import { KINDS, type Kind } from "../../words/events";
import { CopyLink } from "./copy-link";
import { EventLine } from "./event-line";
import { RawEvent } from "./raw-event";
import { instantOf } from "./search";
import { changedParts, PARTS, type Part, partsOf, Said } from "./state-words";
import "./audit.css";
import "./time.css";

type StateAt = Schemas["StateAt"];

/** While the slider is drawn, the server is asked so often at most. */
const PAUSE_MS = 120;

const STOPS: readonly Kind[] = ["verdicts", "warnings", "stops", "watch", "coverage", "broadcasts"];

function stateAt(channel: string, query: { sequence?: number; at?: string; basis?: Schemas["Basis"] }) {
  return answered(
    api.GET("/v1/channels/{channel}/state", { params: { path: { channel }, query } }),
  ) as Promise<StateAt>;
}

export default function TimePage({ channel }: { channel: string }) {
  const live = useChannel(channel);
  const query = useQuery({
    queryKey: ["channel", channel],
    queryFn: () => answered(api.GET("/v1/channels/{channel}", { params: { path: { channel } } })),
  });
  const newest = live?.last_event.sequence ?? query.data?.last_event.sequence;
  return (
    <div className="time stack">
      <div className="page-head">
        <h1>{channel} through time</h1>
        <span className="spacer" />
        <CopyLink />
        <Link className="button" href={`/channels/${encodeURIComponent(channel)}`}>
          The channel now
        </Link>
      </div>
      {query.error instanceof Refused && query.error.status === 404 ? (
        <p className="empty">Nothing is recorded of this channel, or it is not among yours.</p>
      ) : (
        <Loaded<unknown> query={live ? { ...query, data: live, error: null } : query} what="The channel">
          {() => <Scrub channel={channel} newest={newest ?? 1} />}
        </Loaded>
      )}
    </div>
  );
}

function Scrub({ channel, newest }: { channel: string; newest: number }) {
  const [search, setSearch] = useSearchParams();
  const asked = Number(search.get("at"));
  const at = Math.min(newest, Math.max(1, Number.isInteger(asked) && asked > 0 ? asked : newest));
  // Where the slider is, before the address follows.
  const [drawn, setDrawn] = useState(at);
  useEffect(() => setDrawn(at), [at]);
  const captured = search.get("basis") === "captured" ? search.get("time") : null;
  const go = (sequence: number) =>
    setSearch({ at: String(Math.min(newest, Math.max(1, sequence))) }, { replace: true });
  useEffect(() => {
    if (drawn === at) return;
    const timer = setTimeout(() => setSearch({ at: String(drawn) }, { replace: true }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [drawn, at, setSearch]);
  return (
    <>
      <section className="card stack time-controls" aria-label="Where in time">
        <Slider at={drawn} newest={newest} onDraw={setDrawn} />
        <div className="row">
          <Steps channel={channel} at={at} newest={newest} go={go} />
          <span className="time-spacer" />
          <ToMoment channel={channel} go={go} />
        </div>
      </section>
      {captured ? <AtCaptured channel={channel} time={captured} /> : <AtSequence channel={channel} sequence={at} />}
    </>
  );
}

function Slider({ at, newest, onDraw }: { at: number; newest: number; onDraw: (at: number) => void }) {
  const id = useId();
  return (
    <div className="time-slider">
      <label htmlFor={id}>
        Event <strong className="number">{at}</strong> of <span className="number">{newest}</span>
      </label>
      <input
        id={id}
        type="range"
        min={1}
        max={newest}
        value={at}
        onChange={(event) => onDraw(Number(event.target.value))}
        // The arrows are the keys of the page, which know what to stop at.
        onKeyDown={(event) => (event.key === "ArrowLeft" || event.key === "ArrowRight") && event.preventDefault()}
      />
    </div>
  );
}

interface StepsProps {
  channel: string;
  at: number;
  newest: number;
  go: (sequence: number) => void;
}

function Steps({ channel, at, newest, go }: StepsProps) {
  const [kind, setKind] = useState<Kind | "">("");
  const say = useSay();
  const step = async (by: 1 | -1) => {
    if (!kind) return go(at + by);
    try {
      const { items } = await listChannelEvents(channel, {
        type: KINDS[kind].types.join(","),
        order: by > 0 ? "asc" : "desc",
        after: at,
        limit: 1,
      });
      if (items[0]) go(items[0].sequence);
      else say("quiet", `There is no ${by > 0 ? "later" : "earlier"} one of this kind nearby.`);
    } catch (error) {
      say("broken", said(error));
    }
  };
  return (
    <>
      <Button binding="earlier" onPress={() => void step(-1)} disabled={at <= 1}>
        Earlier
      </Button>
      <Button binding="later" onPress={() => void step(1)} disabled={at >= newest}>
        Later
      </Button>
      <label className="row">
        <span className="muted">Stop at</span>
        <select className="text time-kind" value={kind} onChange={(event) => setKind(event.target.value as Kind | "")}>
          <option value="">every event</option>
          {STOPS.map((kind) => (
            <option key={kind} value={kind}>
              {KINDS[kind].name.toLowerCase()}
            </option>
          ))}
        </select>
      </label>
      <Button look="plain" onPress={() => go(newest)} disabled={at >= newest}>
        Newest
      </Button>
    </>
  );
}

function ToMoment({ channel, go }: { channel: string; go: (sequence: number) => void }) {
  const [, setSearch] = useSearchParams();
  const [time, setTime] = useState("");
  const [basis, setBasis] = useState<Schemas["Basis"]>("recorded");
  const say = useSay();
  const at = instantOf(time);
  const find = async () => {
    if (!at) return;
    if (basis === "captured") return setSearch({ time: at, basis }, { replace: true });
    try {
      const state = await stateAt(channel, { at, basis });
      if (state.last_sequence > 0) go(state.last_sequence);
      else say("quiet", "Nothing of the channel had been recorded by then.");
    } catch (error) {
      say("broken", said(error));
    }
  };
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        void find();
      }}
    >
      <label className="row">
        <span className="muted">At</span>
        <input
          className="text time-moment"
          type="datetime-local"
          step={1}
          value={time}
          onChange={(event) => setTime(event.target.value)}
        />
      </label>
      <label>
        <span className="unseen">Compared with</span>
        <select
          className="text"
          value={basis}
          onChange={(event) => setBasis(event.target.value as Schemas["Basis"])}
          title="What was known then, or what is known today of then"
        >
          <option value="recorded">as known then</option>
          <option value="captured">as known today</option>
        </select>
      </label>
      <Button onPress={() => void find()} disabled={!at}>
        Go
      </Button>
    </form>
  );
}

function AtSequence({ channel, sequence }: { channel: string; sequence: number }) {
  const state = useQuery({
    queryKey: ["state", channel, sequence],
    queryFn: () => stateAt(channel, { sequence }),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY, // the past does not change
  });
  const before = useQuery({
    queryKey: ["state", channel, sequence - 1],
    queryFn: () => stateAt(channel, { sequence: sequence - 1 }),
    enabled: sequence > 1,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const event = useQuery({
    queryKey: ["event-of", channel, sequence],
    queryFn: async () => {
      const { items } = await listChannelEvents(channel, { order: "desc", after: sequence + 1, limit: 1 });
      const found = items[0];
      if (found?.sequence !== sequence) throw new Refused(404, "gone", `Event ${sequence} is not in the journal.`);
      return found;
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <>
      <section className="card" aria-labelledby="time-event" data-pending={event.isPlaceholderData || undefined}>
        <h2 id="time-event">What made it so</h2>
        <Loaded query={event} what="The event">
          {(event) => (
            <div className="stack tight" aria-live="polite">
              <EventLine event={event} />
              <RawEvent key={event.id} event={event} />
            </div>
          )}
        </Loaded>
      </section>
      <Loaded query={state} what="The state">
        {(at) => (
          <State
            at={at}
            changed={before.data && !state.isPlaceholderData ? changedParts(before.data.state, at.state) : []}
            pending={state.isPlaceholderData}
          />
        )}
      </Loaded>
    </>
  );
}

function AtCaptured({ channel, time }: { channel: string; time: string }) {
  const state = useQuery({
    queryKey: ["state", channel, "captured", time],
    queryFn: () => stateAt(channel, { at: time, basis: "captured" }),
    retry: 1,
  });
  if (Number.isNaN(Date.parse(time)))
    return <Failed what="That is no moment." error={new Error("The address holds a time that cannot be read.")} />;
  return (
    <>
      <p className="note" data-tone="warn">
        What is known today of <Moment at={time} />, by the frames' own times.
        {state.data && (
          <>
            {" "}
            Folded from {state.data.folded} events; {state.data.left_out} of later frames are left out.
          </>
        )}
      </p>
      <Loaded query={state} what="The state">
        {(at) => <State at={at} changed={[]} pending={false} />}
      </Loaded>
    </>
  );
}

function State({ at, changed, pending }: { at: StateAt; changed: readonly Part[]; pending: boolean }) {
  const parts = partsOf(at.state);
  return (
    <section aria-labelledby="time-state" data-pending={pending || undefined}>
      <h2 id="time-state" className="time-title">
        How the channel stood
        {at.last_recorded_at && (
          <span className="muted">
            {" "}
            just after <Moment at={at.last_recorded_at} />, #{at.last_sequence}
          </span>
        )}
      </h2>
      <div className="time-parts">
        {PARTS.map(({ part, name }) => (
          <PartCard key={part} name={name} changed={changed.includes(part)}>
            <Said of={parts[part]} />
          </PartCard>
        ))}
      </div>
      <details>
        <summary>All of it, as the server has it</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
        <pre className="audit-raw" tabIndex={0}>
          {JSON.stringify(at.state, null, 2)}
        </pre>
      </details>
    </section>
  );
}

function PartCard({ name, changed, children }: { name: string; changed: boolean; children: ReactNode }) {
  return (
    <article className="card time-part" data-changed={changed || undefined}>
      <h3 className="row">
        {name}
        {changed && <Badge tone="warn">changed by this event</Badge>}
      </h3>
      {children}
    </article>
  );
}
