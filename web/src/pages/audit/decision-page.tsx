// One frame's decision with all that led to it and all that followed.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Refused, type Schemas } from "../../api/client";
import { type Decision, decisionOf } from "../../api/decisions";
import { Picture } from "../../care/picture";
import { Moments, Said } from "../../care/said";
import { Badge, Loaded, Moment } from "../../design/parts";
import { useMay } from "../../session/session";
import { kilobytes, ref, short } from "../../words/events";
import { keptWords, stageOf, standingWords } from "../../words/standing";
import { interval, lasting, moment } from "../../words/time";
import { causeWords, kindWords, type Tone } from "../../words/words";
import { Why } from "../case/why";
import { SetNote } from "../channel/set-note";
import { CopyLink } from "./copy-link";
import { EventLine } from "./event-line";
import { RawEvent } from "./raw-event";
import "./audit.css";

export default function DecisionPage({ frame }: { frame: string }) {
  const query = useQuery({
    queryKey: ["decision", frame],
    queryFn: () => decisionOf(frame),
    // What followed grows while it is looked at.
    refetchInterval: (query) => (query.state.data?.followed.complete === false ? 2_000 : 10_000),
  });
  if (query.error instanceof Refused && query.error.status === 404) {
    return (
      <div className="stack">
        <h1>Decision</h1>
        <p className="empty">
          No decision about the frame <span className="mono">{frame}</span> is recorded, or it is not among yours.
        </p>
      </div>
    );
  }
  return (
    <div className="decision">
      <div className="page-head">
        <h1>Decision</h1>
        <span className="mono muted decision-frame">{frame}</span>
        <span className="spacer" />
        <CopyLink />
      </div>
      <Loaded query={query} what="The decision">
        {(decision) => <Whole decision={decision} />}
      </Loaded>
    </div>
  );
}

function Whole({ decision }: { decision: Decision }) {
  const may = useMay()("read_evidence", decision.channel);
  const { channel, followed } = decision;
  return (
    <>
      <Head decision={decision} />
      <div className="decision-body">
        <section className="card" aria-labelledby="decision-why">
          <h2 id="decision-why">Why</h2>
          <Why decision={decision} />
        </section>
        <div className="stack">
          <section className="card stack tight" aria-labelledby="decision-picture">
            <h2 id="decision-picture">{MEDIA[decision.medium]}</h2>
            {decision.medium === "picture" ? (
              <>
                {decision.evidence.kept === "kept" && may && (
                  <Picture frame={decision.frame} label={`Frame of ${channel}`} keyed />
                )}
                <EvidenceFacts evidence={decision.evidence} may={may} />
              </>
            ) : (
              <Segment decision={decision} may={may} />
            )}
          </section>
          <section className="card" aria-labelledby="decision-around">
            <h2 id="decision-around">Around it</h2>
            <Around decision={decision} />
          </section>
        </div>
      </div>
      <section className="card stack" aria-labelledby="decision-followed">
        <h2 id="decision-followed">What followed</h2>
        <FollowedBy followed={followed} />
      </section>
      <section className="card stack tight" aria-labelledby="decision-behind">
        <h2 id="decision-behind">What it rests on</h2>
        {decision.policy && <PolicyText policy={decision.policy} />}
        {decision.caused_by.length > 0 && (
          <p>
            Caused by{" "}
            {decision.caused_by.map((cause) => `${cause.type} (${cause.actor}, #${cause.sequence})`).join(", then ")}.
          </p>
        )}
        <RawEvent event={decision.event} />
      </section>
    </>
  );
}

const MEDIA: Record<Decision["medium"], string> = {
  picture: "The picture",
  clip: "The moving picture",
  sound: "What was said",
};

/** What of a segment was judged: no picture is kept of it. */
function Segment({ decision: { frame, medium, event }, may }: { decision: Decision; may: boolean }) {
  return (
    <>
      <Moments event={event} />
      {medium === "clip" && <p className="muted">The segment itself is kept by the recording, not here.</p>}
      {medium === "sound" && (may ? <Said frame={frame} keyed /> : <p className="muted">Your role reads no words.</p>)}
    </>
  );
}

const OUTCOMES: Record<Decision["outcome"], { text: string; tone: Tone }> = {
  assessed: { text: "judged", tone: "quiet" },
  skipped: { text: "not judged", tone: "quiet" },
  failed: { text: "failed", tone: "broken" },
};

function Head({ decision }: { decision: Decision }) {
  const { verdict, outcome, channel, policy, took, event } = decision;
  return (
    <section className="card decision-head" aria-label="In short">
      <div className="row">
        {verdict ? (
          <Badge tone={verdict === "clear" ? "calm" : verdict === "stop" ? "grave" : "warn"}>{verdict}</Badge>
        ) : (
          <Badge tone={OUTCOMES[outcome].tone}>{OUTCOMES[outcome].text}</Badge>
        )}
        <strong>{decision.because}</strong>
      </div>
      <dl className="decision-facts">
        <Fact name="Channel">
          <Link href={`/channels/${encodeURIComponent(channel)}`}>{channel}</Link>
        </Fact>
        {decision.captured_at && (
          <Fact name="Captured">
            <Moment at={decision.captured_at} />
          </Fact>
        )}
        <Fact name="Recorded">
          <Moment at={decision.recorded_at} />
        </Fact>
        {policy && (
          <Fact name="Policy">
            <Link href={`/policies/${encodeURIComponent(policy.reference.id)}?version=${policy.reference.version}`}>
              {ref(policy.reference)}
            </Link>
          </Fact>
        )}
        {decision.judgement && <Fact name="Judged by">{decision.judgement.provider.name}</Fact>}
        <Fact name="Took">{tookWords(took)}</Fact>
        {decision.session && (
          <Fact name="Broadcast">
            <span className="mono">{decision.session}</span>
          </Fact>
        )}
        <Fact name="In the channel">
          <Link href={`/audit/channels/${encodeURIComponent(channel)}?at=${event.sequence}`}>
            as it stood at #{event.sequence}
          </Link>
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function tookWords(took: Schemas["Took"]): string {
  const parts = (
    [
      ["fetching", took.fetch_ms],
      ["looking", took.look_ms],
      ["the provider", took.provider_ms],
    ] as const
  ).flatMap(([name, ms]) => (ms == null ? [] : [`${name} ${interval(ms)}`]));
  const whole = took.captured_to_recorded_ms;
  if (whole == null) return parts.join(", ") || "not known";
  return `${interval(whole)} from its own time on${parts.length ? ` (${parts.join(", ")})` : ""}`;
}

function EvidenceFacts({ evidence, may }: { evidence: Schemas["Evidence"]; may: boolean }) {
  const { image, kept, copy, unkept, object } = evidence;
  return (
    <>
      {!may && <p className="muted">Your role sees no pictures.</p>}
      <p>
        The picture is {keptWords(kept)}.
        {image && ` ${image.width} × ${image.height}, ${image.format}, ${kilobytes(image.bytes)}.`}
      </p>
      {copy && (
        <p className="muted">
          Copied into the bucket <span className="mono">{copy.object.bucket}</span> as{" "}
          <span className="mono">{copy.object.key}</span>
          {kept === "erased" ? ", where it is deleted with what was erased." : "."}
        </p>
      )}
      {!image && object && (
        <p className="muted">
          The provider read <span className="mono">{object.key}</span> of <span className="mono">{object.bucket}</span>{" "}
          itself.
        </p>
      )}
      {unkept.map((place) => (
        <p key={place.event} className="note" data-tone="broken">
          It could not be kept in the {place.place}: {place.reason}
        </p>
      ))}
      {image && (
        <p className="muted decision-digest">
          SHA-256 <span className="mono">{image.sha256}</span>
        </p>
      )}
    </>
  );
}

function Around({ decision: { cadence, likeness, channel } }: { decision: Decision }) {
  if (!cadence && !likeness) return <p className="muted">Neither a cadence nor a likeness is known of it.</p>;
  return (
    <div className="stack">
      {likeness && (
        <section className="stack tight">
          <h3>Likeness</h3>
          <p>{sentence(likeness.text)}</p>
          {likeness.bits != null && likeness.bits_max != null && (
            <Measure
              name="hash bits apart"
              value={likeness.bits}
              most={likeness.bits_max}
              of={Math.max(likeness.bits, likeness.bits_max) * 2}
            />
          )}
          {likeness.luma != null && likeness.luma_max != null && (
            <Measure
              name="grey levels apart"
              value={likeness.luma / 100}
              most={likeness.luma_max / 100}
              of={(Math.max(likeness.luma, likeness.luma_max) / 100) * 1.25}
            />
          )}
          {likeness.compared_with && (
            <p className="muted">
              Compared with{" "}
              <Link href={`/decisions/${likeness.compared_with.frame}`}>
                the frame assessed at #{likeness.compared_with.sequence}
              </Link>
              {likeness.age_ms != null && `, ${lasting(likeness.age_ms)} before`}
              {likeness.reassess_after_ms != null &&
                `; from ${interval(likeness.reassess_after_ms)} on it excuses nothing`}
              .
            </p>
          )}
        </section>
      )}
      {cadence && (
        <section className="stack tight">
          <h3>Cadence</h3>
          <p>
            Every {interval(cadence.interval_ms)}
            {cadence.because && `, because ${causeWords(cadence.because)}`}; this frame{" "}
            {cadence.was_due ? "was due" : "was not due"}
            {cadence.due && ` from ${moment(cadence.due)} on`}.
            {cadence.score != null && ` Reputation ${cadence.score.toFixed(2)}.`}
          </p>
          {cadence.adjusted && <SetNote set={cadence.adjusted} />}
          <p className="muted">
            <Link href={`/channels/${encodeURIComponent(channel)}`}>How the channel is watched</Link>
          </p>
        </section>
      )}
    </div>
  );
}

/** A number against the most that counts as the same. */
function Measure({ name, value, most, of }: { name: string; value: number; most: number; of: number }) {
  const share = (number: number) => `${Math.min(100, (100 * number) / Math.max(of, 1e-9))}%`;
  return (
    <div className="why-bar" data-tone={value <= most ? "calm" : "warn"}>
      <span className="why-bar-text">
        <span>{name}</span>
        <span className="number">
          <strong>{Number(value.toFixed(2))}</strong>{" "}
          <span className="muted">
            at most {Number(most.toFixed(2))} is the same: {value <= most ? "the same" : "another"}
          </span>
        </span>
      </span>
      <span className="why-bar-track" aria-hidden="true">
        <span className="why-bar-fill" style={{ width: share(value) }} />
        <span className="why-bar-threshold" style={{ left: share(most) }} />
      </span>
    </div>
  );
}

function FollowedBy({ followed }: { followed: Schemas["Followed"] }) {
  const { warnings, enforcements, caused, complete } = followed;
  if (warnings.length + enforcements.length + caused.length === 0)
    return <p className="muted">{complete ? "Nothing followed from it." : "Nothing so far; not all is read yet."}</p>;
  return (
    <>
      {warnings.map((story) => {
        const standing = standingWords(story.standing);
        return (
          <article key={story.warning} className="decision-story">
            <h3 className="row">
              <Link href={`/queue/${story.warning}`}>
                Warning <span className="mono">{short(story.warning)}</span>
                {story.raised && `: ${story.raised.rule}`}
              </Link>
              <Badge tone={standing.tone}>{standing.text}</Badge>
            </h3>
            <p className="muted">
              {story.raised_here ? "This decision raised it." : "It was open already; this decision joined it."}
            </p>
            <Events events={story.events} />
          </article>
        );
      })}
      {enforcements.map((story) => {
        const stage = stageOf(story.stage);
        return (
          <article key={story.enforcement} className="decision-story">
            <h3 className="row">
              {kindWords(story.requested.kind)} <span className="mono muted">{short(story.enforcement)}</span>
              <Badge tone={stage.tone}>{stage.text}</Badge>
            </h3>
            {story.relation === "same_broadcast" && (
              <p className="muted">Not of this decision: asked for against the same broadcast afterwards.</p>
            )}
            {story.reason && <p>“{story.reason}”</p>}
            <Events events={story.events} />
          </article>
        );
      })}
      {caused.length > 0 && (
        <p className="muted">Also caused: {caused.map((event) => `${event.type} (#${event.sequence})`).join(", ")}.</p>
      )}
      {!complete && <p className="muted">What came after #{followed.read_to} is not read here.</p>}
    </>
  );
}

function Events({ events }: { events: readonly Schemas["RecordedEvent"][] }) {
  return (
    <ol className="decision-events">
      {events.map((event) => (
        <li key={event.id}>
          <EventLine event={event} />
        </li>
      ))}
    </ol>
  );
}

function PolicyText({ policy }: { policy: Schemas["PolicyVersion"] }) {
  const { reference, published, text, missing } = policy;
  return (
    <>
      <p>
        Policy{" "}
        <Link href={`/policies/${encodeURIComponent(reference.id)}?version=${reference.version}`}>
          {ref(reference)}
        </Link>
        {published && (
          <>
            , published by {published.event.actor} at <Moment at={published.event.recorded_at} />
            {published.why && `: “${published.why}”`}
          </>
        )}
        .
      </p>
      {text ? (
        <details>
          <summary>Its text, as it was published</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
          <pre className="audit-raw" tabIndex={0}>
            {text}
          </pre>
        </details>
      ) : (
        <p className="muted">{missing ? sentence(missing) : "Its text is gone."}</p>
      )}
    </>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
