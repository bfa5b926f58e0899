// Why a frame was decided as it was: what was seen, each rule's threshold and how far it came, and what would have made
// it come out otherwise. Used beside a warning and on the page of a decision.

import { Link } from "wouter";
import type { Schemas } from "../../api/client";
import { Badge, Moment } from "../../design/parts";
import { countedWords, labelWords, margin, severityTone, type Tone } from "../../words/words";
import { thresholdsOf, whyOrder } from "./why-order";
import "./why.css";

type Decision = Schemas["Decision"];
type Judgement = Schemas["Judgement"];
type Rule = Schemas["RuleView"];

const LABELS_MAX = 12;

export function Why({ decision }: { decision: Decision }) {
  const { judgement } = decision;
  if (!judgement) {
    return (
      <div className="why stack">
        <p className="note" data-tone={decision.outcome === "failed" ? "broken" : "quiet"}>
          <strong>{decision.outcome === "failed" ? "It could not be judged." : "It was not judged."}</strong>{" "}
          {sentence(decision.because)} That is not the same as clear.
        </p>
        {decision.consulted && <Consulted consulted={decision.consulted} />}
        <Missing decision={decision} />
      </div>
    );
  }
  const { touched, untouched } = whyOrder(judgement);
  return (
    <div className="why stack">
      <p>{sentence(decision.because)}</p>
      {judgement.late && (
        <p className="note" data-tone="warn">
          The frame came late: it may warn, and stops nothing by itself.
        </p>
      )}
      <section className="stack tight">
        <h3>Rules</h3>
        {judgement.rules.length === 0 ? (
          <p className="muted">The policy's text is gone; its rules can no longer be shown.</p>
        ) : (
          <ul className="why-rules">
            {touched.map((rule) => (
              <RuleCard key={rule.rule} rule={rule} decided={judgement.decided_by.includes(rule.rule)} />
            ))}
          </ul>
        )}
        {untouched.length > 0 && (
          <details>
            <summary>
              {untouched.length === 1 ? "One rule was not hit" : `${untouched.length} rules were not hit`}:{" "}
              {untouched.map((rule) => rule.rule).join(", ")}
            </summary>
            <ul className="why-rules">
              {untouched.map((rule) => (
                <RuleCard key={rule.rule} rule={rule} decided={judgement.decided_by.includes(rule.rule)} />
              ))}
            </ul>
          </details>
        )}
        {judgement.near && (
          <p className="muted">
            It came within {(judgement.near.short / 1000).toFixed(1)} points of {judgement.near.rule}: the channel is
            watched more closely for a while.
          </p>
        )}
      </section>
      <Labels judgement={judgement} />
      {decision.consulted && <Consulted consulted={decision.consulted} />}
      {decision.shadow && <Shadow shadow={decision.shadow} />}
      <Missing decision={decision} />
    </div>
  );
}

const REACHED: Record<Rule["reached"], { text: string; tone: Tone }> = {
  met: { text: "met", tone: "warn" },
  partial: { text: "hit, not yet met", tone: "quiet" },
  hit: { text: "hit; how full its window was is not known", tone: "warn" },
  missed: { text: "not hit", tone: "quiet" },
};

const ACTIONS: Record<Rule["action"], string> = { warn: "warns", stop: "stops", suspend: "stops and revokes the key" };

export function actionWords({ action, approval }: Pick<Rule, "action" | "approval">): string {
  return action === "warn" || approval === "none" ? ACTIONS[action] : `${ACTIONS[action]} once a person agrees`;
}

function RuleCard({ rule, decided }: { rule: Rule; decided: boolean }) {
  const reached = REACHED[rule.reached];
  const tone = rule.reached === "met" || rule.reached === "hit" ? severityTone(rule.severity) : reached.tone;
  return (
    <li className="why-rule" data-decided={decided || undefined} data-tone={tone}>
      <div className="row why-rule-head">
        <strong>{rule.rule}</strong>
        <Badge tone={tone}>{reached.text}</Badge>
        <span className="muted">
          severity {rule.severity}, {actionWords(rule)}
        </span>
      </div>
      {rule.best ? (
        <Bar
          name={countedWords(rule.best.path, rule.best.counts_as ? [rule.best.counts_as] : null)}
          confidence={rule.best.confidence}
          thresholds={[{ rule: rule.rule, at: rule.threshold }]}
          tone={tone}
          after={`threshold ${percent(rule.threshold)}, ${margin(rule.best.margin)} points`}
        />
      ) : (
        <p className="muted">
          Nothing of {rule.categories.map(labelWords).join(", ")} was seen; it asks for {percent(rule.threshold)} %
          {rule.taxonomy && `, and reads labels of ${rule.taxonomy} only`}.
        </p>
      )}
      <Hits rule={rule} />
      <Effect rule={rule} />
      {rule.otherwise.length > 0 && (
        <ul className="why-otherwise">
          {rule.otherwise.map((other) => (
            <li key={other.with.join(" ")}>
              With {other.with.join(", and ")}:{" "}
              {other.changes_verdict ? (
                <>
                  <strong>{other.verdict}</strong> instead
                </>
              ) : (
                <>still {other.verdict}</>
              )}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Hits({ rule }: { rule: Rule }) {
  if (rule.hits_needed <= 1) return null;
  if (rule.hits == null) return <p className="muted">It asks for {rule.window}; how many there were is not known.</p>;
  return (
    <p className="row">
      <span className="why-hits" aria-hidden="true">
        {Array.from({ length: rule.hits_needed }, (_, at) => (
          <span key={at} data-full={at < (rule.hits ?? 0) || undefined} />
        ))}
      </span>
      <span>
        {rule.hits} of the {rule.hits_needed} hits that it needs ({rule.window})
      </span>
    </p>
  );
}

function Effect({ rule: { effect } }: { rule: Rule }) {
  if (!effect || effect === "partial") return null;
  if ("cooldown" in effect)
    return (
      <p>
        Its last warning was answered: no new one until <Moment at={effect.cooldown} />.
      </p>
    );
  const raised = "raised" in effect;
  const id = raised ? effect.raised : effect.joined;
  return (
    <p>
      {raised ? "Raised" : "Joined"}{" "}
      <Link href={`/queue/${id}`}>
        warning <span className="mono">{id.slice(0, 8)}</span>
      </Link>
      {raised ? "." : ", which was open already."}
    </p>
  );
}

function Labels({ judgement }: { judgement: Judgement }) {
  const sorted = [...judgement.labels].sort((a, b) => b.confidence - a.confidence);
  const [first, rest] = [sorted.slice(0, LABELS_MAX), sorted.slice(LABELS_MAX)];
  return (
    <section className="stack tight">
      <h3>What was seen</h3>
      {sorted.length === 0 && <p className="muted">The provider named nothing that its taxonomy knows.</p>}
      <LabelBars labels={first} judgement={judgement} />
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} weaker ones</summary>
          <LabelBars labels={rest} judgement={judgement} />
        </details>
      )}
      {judgement.content_types.length > 0 && (
        <p>
          Taken for{" "}
          {judgement.content_types.map(({ name, confidence }) => `${name} (${percent(confidence)} %)`).join(", ")}.
        </p>
      )}
      <p className="muted">
        By {judgement.provider.name}, model {judgement.provider.model}, taxonomy {judgement.provider.taxonomy}.
        {judgement.labels_from === "surest_only" && " Only the surest labels are still known."}
        {judgement.labels_from === "kept_answer" && " From the provider's own answer, which is kept."}
        {judgement.unmapped > 0 && ` ${judgement.unmapped} labels are not in that taxonomy.`}
        {judgement.missing && ` ${sentence(judgement.missing)}`}
      </p>
    </section>
  );
}

function LabelBars({ labels, judgement }: { labels: readonly Schemas["LabelView"][]; judgement: Judgement }) {
  return (
    <ul className="why-labels">
      {labels.map(({ path, confidence, counts_as }) => {
        const thresholds = thresholdsOf({ path, counts_as }, judgement.provider.taxonomy, judgement.rules);
        const over = thresholds.some(({ at }) => confidence >= at);
        return (
          <li key={path}>
            <Bar
              name={countedWords(path, counts_as)}
              confidence={confidence}
              thresholds={thresholds}
              tone={over ? "warn" : "quiet"}
              after={
                thresholds.length === 0
                  ? "no rule asks for it"
                  : thresholds.map(({ at, rule }) => `${rule} from ${percent(at)}`).join(", ")
              }
            />
          </li>
        );
      })}
    </ul>
  );
}

interface BarProps {
  name: string;
  confidence: number;
  thresholds: readonly { rule: string; at: number }[];
  tone: Tone;
  after: string;
}

/** From 0 to 100 %, with a stroke where a rule begins. The numbers are beside it. */
function Bar({ name, confidence, thresholds, tone, after }: BarProps) {
  return (
    <div className="why-bar" data-tone={tone}>
      <span className="why-bar-text">
        <span>{name}</span>
        <span className="number">
          <strong>{percent(confidence)} %</strong> <span className="muted">{after}</span>
        </span>
      </span>
      <span className="why-bar-track" aria-hidden="true">
        <span className="why-bar-fill" style={{ width: `${Math.min(100, confidence)}%` }} />
        {thresholds.map(({ rule, at }) => (
          <span key={rule} className="why-bar-threshold" style={{ left: `${Math.min(100, at)}%` }} />
        ))}
      </span>
    </div>
  );
}

/** Whom the policy asked beside the provider that decided, what each said, and what kept a stop from going ahead. */
function Consulted({ consulted }: { consulted: Schemas["Consulted"] }) {
  return (
    <section className="stack tight">
      <h3>Who was asked</h3>
      <p>{sentence(consulted.because)}</p>
      {consulted.others.length > 0 && (
        <ul>
          {consulted.others.map((other) => (
            <li key={other.event.id}>{sentence(other.text)}</li>
          ))}
        </ul>
      )}
      {consulted.otherwise.map((otherwise) => (
        <p key={otherwise} className="note" data-tone="warn">
          No stop by itself. {sentence(otherwise)}
        </p>
      ))}
    </section>
  );
}

function Shadow({ shadow }: { shadow: Schemas["InShadow"] }) {
  return (
    <p className="note" data-tone="shadow">
      <Badge tone="shadow">in shadow</Badge>{" "}
      <strong>
        {shadow.policy.id}@{shadow.policy.version}
      </strong>
      , which decides nothing, would have said: {shadow.because}.
      {shadow.agrees === false && " It disagrees with the verdict."}
    </p>
  );
}

function Missing({ decision }: { decision: Decision }) {
  if (decision.missing.length === 0) return null;
  return (
    <ul className="note stack tight" data-tone="broken" aria-label="What cannot be shown">
      {decision.missing.map((missing) => (
        <li key={missing}>{sentence(missing)}</li>
      ))}
    </ul>
  );
}

function percent(confidence: number): string {
  return confidence.toFixed(1);
}

function sentence(text: string): string {
  const whole = /[.!?]$/.test(text) ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}
