// What waits for somebody: open warnings by how long they have waited and how grave they are.

import { Link } from "wouter";
import { Wide } from "../../design/parts";
import { severityTone } from "../../words/words";
import { ageBands, count, type Overview } from "./figures";

export function Waiting({ overview: { open } }: { overview: Overview }) {
  const bands = ageBands(open);
  const severities = open.severities.map((it) => it.severity);
  return (
    <section className="card stack tight" aria-labelledby="overview-open">
      <h2 id="overview-open">
        Open warnings by age, and by severity {severities[0]} to {severities.at(-1)}
      </h2>
      {open.count === 0 ? (
        <p className="muted">None is open.</p>
      ) : (
        <Wide label="Open warnings by age">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Waiting for</th>
                <th scope="col" className="n">
                  Open
                </th>
                {severities.map((severity) => (
                  <th key={severity} scope="col" className="n">
                    <span className="unseen">Severity </span>
                    {severity}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bands.map((band) => (
                <tr key={band.name}>
                  <th scope="row" className="overview-band">
                    {band.name}
                  </th>
                  <td className="n">{count(band.all)}</td>
                  {severities.map((severity) => (
                    <td key={severity} className="n">
                      <OfSeverity severity={severity} many={band.counts.get(severity) ?? 0} />
                    </td>
                  ))}
                </tr>
              ))}
              <tr>
                <th scope="row">Past due</th>
                <td className="n">{count(open.past_due)}</td>
                {open.severities.map((it) => (
                  <td key={it.severity} className="n">
                    <OfSeverity severity={it.severity} many={it.past_due} />
                  </td>
                ))}
              </tr>
            </tbody>
          </table>
        </Wide>
      )}
      {open.beyond > 0 && (
        <p className="note" data-tone="grave">
          {count(open.beyond)} more are beyond the queue, for want of room; they are in none of these figures.
        </p>
      )}
      <p>
        <Link href="/queue">To the queue</Link>
      </p>
    </section>
  );
}

function OfSeverity({ severity, many }: { severity: number; many: number }) {
  if (many === 0) return <span className="muted">0</span>;
  return (
    <strong className="overview-cell" data-tone={severityTone(severity)}>
      {count(many)}
    </strong>
  );
}
