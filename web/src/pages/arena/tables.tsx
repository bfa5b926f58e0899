// What providers were asked, what people said to their warnings, what screens saved, how two agree, and what changed with
// a model version: one table each.

import type { ReactNode } from "react";
import { Link } from "wouter";
import { Moment, Wide } from "../../design/parts";
import { count, dollars, took } from "../overview/figures";
import { type Agreement, type Arena, kappa, permille, type Rate, rate, reason, threshold, warned } from "./figures";

/** Labels shown, those with the most warnings. */
const LABELS_SHOWN = 50;

export function Calls({ arena: { models, failed } }: { arena: Arena }) {
  return (
    <Card id="arena-calls" title="Who was asked, how long it took and what it cost">
      {models.length === 0 ? (
        <p className="empty">No provider was asked about anything.</p>
      ) : (
        <Table label="Calls" heads={["Provider"]} figures={CALLS}>
          {models.map((it) => (
            <tr key={`${it.provider} ${it.model} ${it.taxonomy}`}>
              <th scope="row">
                {it.provider} <span className="muted">{it.model}</span>
              </th>
              <Figures
                of={[
                  count(it.calls.asked),
                  count(it.calls.decided),
                  count(it.calls.unanswered),
                  took(it.took.median_ms),
                  took(it.took.p95_ms),
                  took(it.took.p99_ms),
                  dollars(it.cost_micros),
                ]}
              />
            </tr>
          ))}
        </Table>
      )}
      {failed.frames > 0 && (
        <p className="muted">
          {count(failed.frames)} more frames failed at a provider that the record does not name, after{" "}
          {count(failed.tries)} tries.
        </p>
      )}
    </Card>
  );
}

const CALLS = ["Asked", "Decided", "No answer", "Median", "p95", "p99", "Cost"];

export function Warnings({ arena: { models, wanted_permille } }: { arena: Arena }) {
  const rows = warned(models);
  return (
    <Card id="arena-warnings" title="What people said to their warnings">
      {rows.length === 0 ? (
        <p className="empty">No label raised a warning.</p>
      ) : (
        <Table
          label="Warnings by label"
          heads={["Label"]}
          figures={["Warnings", "Asked from"]}
          more={["Upheld, of answered", `Threshold for ${permille(wanted_permille)}`]}
        >
          {rows.slice(0, LABELS_SHOWN).map(({ model, label }) => (
            <tr key={`${model.provider} ${model.model} ${model.taxonomy} ${label.label}`}>
              <th scope="row">
                {label.label}{" "}
                <span className="muted">
                  {model.provider} {model.model}
                </span>
              </th>
              <Figures of={[count(label.warnings), label.asked_from == null ? "–" : `${label.asked_from}\u00a0%`]} />
              <td>
                <Interval of={label.upheld} />
              </td>
              <td>{threshold(label, wanted_permille)}</td>
            </tr>
          ))}
        </Table>
      )}
      {rows.length > LABELS_SHOWN && (
        <p className="muted">{count(rows.length - LABELS_SHOWN)} labels with fewer warnings are not shown.</p>
      )}
      <p className="muted">
        The bar is the 95&nbsp;% interval. Below the thresholds that were in force nobody was asked: what is there is
        not known.
      </p>
    </Card>
  );
}

export function Screens({ arena: { screens } }: { arena: Arena }) {
  if (screens.length === 0) return null;
  return (
    <Card id="arena-screens" title="What screening saved, and what it missed">
      <Table
        label="Screens"
        heads={["Screen"]}
        figures={["Saved", "Worth", "Passed on", "Sampled"]}
        more={["Missed, of the sample", "Missed, of the saved"]}
      >
        {screens.map((it) => (
          <tr key={`${it.policy.id}@${it.policy.version} ${it.provider}`}>
            <th scope="row">
              {it.provider} before {it.then ?? "nobody yet"}{" "}
              <Link className="muted" href={`/policies/${encodeURIComponent(it.policy.id)}`}>
                {it.policy.id}@{it.policy.version}
              </Link>
            </th>
            <Figures of={[count(it.saved), dollars(it.saved_micros), count(it.passed), count(it.sampled)]} />
            <td>
              <Interval of={it.missed} />
            </td>
            <td>
              {it.missed_of_saved == null
                ? "not known without a sample"
                : `about ${count(it.missed_of_saved.about)}, ${count(it.missed_of_saved.low)} to ${count(it.missed_of_saved.high)}`}
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

export function Pairs({ arena: { pairs } }: { arena: Arena }) {
  if (pairs.length === 0) return null;
  return (
    <Card id="arena-pairs" title="How two agree whether a rule is hit">
      <Table
        label="Agreement"
        heads={["Providers", "Because"]}
        figures={["Frames", "Both", "Only the 1st", "Only the 2nd", "Neither", "Kappa"]}
        more={["They differ on"]}
      >
        {pairs.map((it) => (
          <tr key={`${it.one} ${it.other} ${it.because}`}>
            <th scope="row">
              {it.one} and {it.other}
            </th>
            <td>{reason(it.because)}</td>
            <Agreed frames={it.frames} on={it.any_rule} />
          </tr>
        ))}
      </Table>
      <p className="muted">
        Kappa is agreement beyond chance, with its 95&nbsp;% interval. It is told where frames were compared whatever
        anybody saw in them.
      </p>
    </Card>
  );
}

export function Categories({ arena: { pairs } }: { arena: Arena }) {
  const named = pairs.flatMap((pair) => pair.categories.map((category) => ({ pair, ...category })));
  if (named.length === 0) return null;
  return (
    <Card id="arena-categories" title="How two agree what they see">
      <Table
        label="Agreement by category"
        heads={["Providers", "Because", "Category"]}
        figures={["Frames", "Both", "Only the 1st", "Only the 2nd", "Neither", "Kappa"]}
        more={["They differ on"]}
      >
        {named.map(({ pair, category, frames, agreement }) => (
          <tr key={`${pair.one} ${pair.other} ${pair.because} ${category}`}>
            <th scope="row">
              {pair.one} and {pair.other}
            </th>
            <td>{reason(pair.because)}</td>
            <td>{category}</td>
            <Agreed frames={frames} on={agreement} />
          </tr>
        ))}
      </Table>
      <p className="muted">
        What each names at 50&nbsp;% or above, read in the words of Rekognition 7.0. A category that one of the two has
        no word for is left out.
      </p>
    </Card>
  );
}

function Agreed({ frames, on }: { frames: number; on: Agreement }) {
  return (
    <>
      <Figures
        of={[
          count(frames),
          count(on.both),
          count(on.one_only),
          count(on.other_only),
          count(on.neither),
          kappa(on.kappa),
        ]}
      />
      <td>
        {on.examples.length === 0
          ? "none"
          : on.examples.map((example) => (
              <Link key={example.frame} className="arena-example" href={`/decisions/${example.frame}`}>
                {example.channel}, only {example.yes}
              </Link>
            ))}
      </td>
    </>
  );
}

export function Changes({ arena: { changes } }: { arena: Arena }) {
  if (changes.length === 0) return null;
  return (
    <Card id="arena-changes" title="What a new model version changed">
      <Table label="Changes" heads={["Provider", "When"]} figures={["Answers held"]} more={["What changed"]}>
        {changes.map((it) => {
          const moved = it.labels.filter((label) => label.rate !== "not_certain" || label.confidence_moved);
          return (
            <tr key={it.position}>
              <th scope="row">
                {it.provider}{" "}
                <span className="muted">
                  {it.before} to {it.after}
                </span>
              </th>
              <td>
                <Moment at={it.at} />
              </td>
              <Figures of={[count(it.frames)]} />
              <td>
                {it.too_few
                  ? "too few comparable answers to say"
                  : moved.length === 0
                    ? "nothing that is certain"
                    : moved
                        .map((label) => `${label.label} (${count(label.before)} to ${count(label.after)})`)
                        .join(", ")}
              </td>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
}

function Card({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <section className="card stack tight" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

function Table({
  label,
  heads,
  figures,
  more = [],
  children,
}: {
  label: string;
  heads: string[];
  figures: string[];
  more?: string[];
  children: ReactNode;
}) {
  return (
    <Wide label={label}>
      <table className="figures">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            {figures.map((head) => (
              <th key={head} scope="col" className="n">
                {head}
              </th>
            ))}
            {more.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Wide>
  );
}

function Figures({ of }: { of: string[] }) {
  return of.map((figure, at) => (
    <td key={at} className="n">
      {figure}
    </td>
  ));
}

/** A share as a point in its interval, and in words. */
function Interval({ of }: { of: Rate }) {
  return (
    <span className="arena-interval">
      {of.permille != null && (
        <span className="arena-interval-track" aria-hidden="true">
          <span style={{ left: `${of.low_permille / 10}%`, right: `${100 - of.high_permille / 10}%` }} />
          <i style={{ left: `${of.permille / 10}%` }} />
        </span>
      )}
      <span className="number">{rate(of)}</span>
    </span>
  );
}
