// A policy in words, with every default that its file leaves out.

import { Wide } from "../../design/parts";
import { labelWords } from "../../words/words";
import { actionWords } from "../case/why";
import type { Outline } from "./policies";

const UNAVAILABLE: Record<Outline["on_unavailable"], string> = {
  record: "that is recorded, and nobody is asked",
  warn: "a warning is raised",
  page: "a warning is raised, and somebody is called",
};

export function OutlineView({ outline }: { outline: Outline }) {
  const { channels, sampling, reputation, similarity, rules } = outline;
  return (
    <div className="stack">
      <dl className="facts policy-facts">
        <dt>Watches</dt>
        <dd>
          {"listed" in channels ? (
            `${channels.listed.length} channels: ${channels.listed.slice(0, 8).join(", ")}${channels.listed.length > 8 ? ", …" : ""}`
          ) : (
            <>
              every channel that <code>{channels.matching}</code> finds, with priority {outline.priority}
            </>
          )}
        </dd>
        <dt>Looks</dt>
        <dd>
          every {sampling.every}, {sampling.tolerance} early at most; a frame older than {sampling.max_age} is too late
        </dd>
        <dt>Reputation</dt>
        <dd>
          {reputation
            ? `sets the cadence: half of the trust after ${reputation.trust_after} clean, evidence counts half after ${reputation.half_life}, a closer watch for ${reputation.closely_for}, a near miss within ${reputation.near_miss} points`
            : "has no say: the cadence is fixed"}
        </dd>
        <dt>Judged by</dt>
        <dd>
          {outline.judged_by}
          {outline.second_opinion && `; ${outline.second_opinion} must agree before a rule stops by itself`}
          {outline.compare_with &&
            `; compared with ${outline.compare_with.provider} on ${outline.compare_with.share} frames`}
        </dd>
        <dt>Likeness</dt>
        <dd>
          {similarity
            ? `up to ${similarity.hash_distance} of 64 bits and ${similarity.luma_delta} grey levels apart is the same, for ${sampling.reassess_after} at most`
            : "excuses nothing: every frame that is due is judged"}
        </dd>
        <dt>By itself</dt>
        <dd>
          {outline.automatic_stops === "propose"
            ? "stops nothing: every stop is proposed to a person"
            : `stops on ${outline.automatic_stops}, where a rule needs nobody's approval`}
        </dd>
        <dt>If nobody can judge</dt>
        <dd>{UNAVAILABLE[outline.on_unavailable]}</dd>
        <dt>Labels of</dt>
        <dd className="mono">{outline.taxonomy}</dd>
      </dl>
      <Wide label="Rules">
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Watches for</th>
              <th scope="col" className="n">
                From
              </th>
              <th scope="col">Hits</th>
              <th scope="col">Then it</th>
              <th scope="col" className="n">
                Severity
              </th>
              <th scope="col" className="n">
                Quiet for
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <tr key={rule.rule}>
                <th scope="row">{rule.rule}</th>
                <td>
                  {rule.categories.map((path) => (path === "*" ? "anything" : labelWords(path))).join(", ")}
                  {rule.taxonomy && <span className="muted"> (labels of {rule.taxonomy} only)</span>}
                </td>
                <td className="n">{rule.score ? `score ${rule.score}` : `${rule.confidence}\u00a0%`}</td>
                <td>{rule.window}</td>
                <td>{actionWords(rule)}</td>
                <td className="n">{rule.severity}</td>
                <td className="n">{rule.cooldown}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </div>
  );
}
