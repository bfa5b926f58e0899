// What people said and did about this warning, in their order.

import type { Schemas } from "../../api/client";
import { Moment } from "../../design/parts";

const DID: Record<string, string> = {
  WarningRaised: "raised",
  WarningClaimed: "claimed",
  WarningReleased: "given back",
  WarningUpheld: "upheld",
  WarningDismissed: "dismissed",
  WarningAnswerWithdrawn: "answer taken back",
  WarningEscalated: "handed on",
  WarningNoted: "noted",
  WarningLapsed: "lapsed",
  WarningOverturned: "overturned on appeal",
  EnforcementRequested: "asked for",
  EnforcementAdmitted: "let go ahead",
  EnforcementHeld: "held: budget",
  EnforcementAttempted: "tried",
  EnforcementSucceeded: "accepted by the platform",
  EnforcementVerified: "seen to have worked",
  EnforcementNotNeeded: "not needed",
  EnforcementSuperseded: "superseded",
  EnforcementFailed: "failed",
  EnforcementCancelled: "called off",
};

export function Notes({ story }: { story: Schemas["OneWarning"] | undefined }) {
  if (!story) return null;
  const words = new Map(story.said.map((said) => [said.event, said.note]));
  return (
    <section className="card">
      <h2>What was said and done</h2>
      <ol className="stack tight story">
        {story.story.map((event) => (
          <li key={event.id}>
            <Moment at={event.recorded_at} /> <strong>{DID[event.type] ?? event.type}</strong>{" "}
            <span className="muted">{event.actor.replace(/^moderator /, "")}</span>
            {words.has(event.id) && <blockquote>{words.get(event.id) ?? "(the words were erased)"}</blockquote>}
          </li>
        ))}
      </ol>
      {!story.story_complete && <p className="muted">There is more than is shown here; the audit has all of it.</p>}
    </section>
  );
}
