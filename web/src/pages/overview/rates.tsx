// How often people agreed with each rule, hour by hour or day by day: a rule that was right last week and is not today is
// seen here first.

import { type Bar, TimeBars } from "../../charts/bars";
import { Chart, LegendKey } from "../../charts/chart";
import { Moment } from "../../design/parts";
import { count, type Overview, share, stepsOf } from "./figures";

const HEIGHT = 110;
const HOUR_MS = 3_600_000;
/** Rules that are drawn, those with the most answers; the table above has all of them. */
const RULES_MAX = 8;

export function Rates({ overview }: { overview: Overview }) {
  const answered = overview.rules.filter((rule) => rule.answered > 0);
  const drawn = answered.sort((a, b) => b.answered - a.answered || (a.rule < b.rule ? -1 : 1)).slice(0, RULES_MAX);
  if (drawn.length === 0) return null;
  const step = overview.step_ms === HOUR_MS ? "hour" : "day";
  return (
    <section className="card stack" aria-labelledby="overview-rates">
      <h2 id="overview-rates">Upheld rate of each rule, by the {step}</h2>
      <div className="overview-rates">
        {drawn.map((rule) => (
          <Rate key={`${rule.policy} ${rule.rule}`} rule={rule} overview={overview} step={step} />
        ))}
      </div>
      <p className="chart-legend row">
        <LegendKey tone="grave">upheld</LegendKey>
        <LegendKey tone="calm" pattern="stripes">
          dismissed or overturned
        </LegendKey>
        <span className="muted">
          of the warnings raised in that {step} and answered since; nothing where none was
          {answered.length > drawn.length &&
            `. ${answered.length - drawn.length} rules with fewer answers are not drawn`}
        </span>
      </p>
    </section>
  );
}

type Rule = Overview["rules"][number];

function Rate({ rule, overview, step }: { rule: Rule; overview: Overview; step: "hour" | "day" }) {
  const steps = stepsOf(rule, overview);
  const bars = steps.map(({ from, to, of }): Bar => {
    const upheld = of.answered === 0 ? 0 : (100 * of.upheld) / of.answered;
    const parts = [
      { name: "upheld", tone: "grave", value: upheld },
      { name: "not upheld", tone: "calm", value: 100 - upheld, striped: true },
    ] as const;
    return { from, to, parts: of.answered === 0 ? [] : parts, says: share(of.upheld, of.answered, "none answered") };
  });
  return (
    <Chart
      title={rule.rule}
      unit={`${share(rule.upheld, rule.answered)} answered, ${rule.policy}`}
      says={`Of ${count(rule.answered)} answers to ${rule.rule}, ${count(rule.upheld)} upheld it.`}
      rows={steps.filter(({ of }) => of.raised > 0).reverse()}
      rowKey={(row) => String(row.from)}
      columns={[
        { name: step === "hour" ? "Hour" : "Day", of: (row) => <Moment at={row.from} /> },
        { name: "Raised", number: true, of: (row) => count(row.of.raised) },
        { name: "Answered", number: true, of: (row) => count(row.of.answered) },
        { name: "Upheld", number: true, of: (row) => count(row.of.upheld) },
        { name: "Rate", number: true, of: (row) => share(row.of.upheld, row.of.answered, "none answered") },
      ]}
    >
      {(width) => <TimeBars width={width} height={HEIGHT} bars={bars} format={(value) => `${value}\u00a0%`} />}
    </Chart>
  );
}
