// What rules found and people said to it, what became of stops, and who judged at what cost: one table each.

import type { ReactNode } from "react";
import { Link } from "wouter";
import { Wide } from "../../design/parts";
import { useMay } from "../../session/session";
import { count, dollars, type OfAll, type Overview, share, took } from "./figures";

export function Rules({ overview: { rules, hours } }: { overview: Overview }) {
  const sorted = [...rules].sort((a, b) => b.raised - a.raised || (a.rule < b.rule ? -1 : 1));
  return (
    <section className="card stack tight" aria-labelledby="overview-rules">
      <h2 id="overview-rules">What rules found, and what people said</h2>
      {sorted.length === 0 ? (
        <p className="empty">No rule raised a warning in {hours === 1 ? "this hour" : `these ${hours} hours`}.</p>
      ) : (
        <Wide label="Rules">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Rule</th>
                {["Raised", "Upheld", "Dismissed", "Overturned", "Lapsed", "Open"].map((name) => (
                  <Figure key={name}>{name}</Figure>
                ))}
                <th scope="col">Upheld, of answered</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((rule) => (
                <tr key={`${rule.policy} ${rule.rule}`}>
                  <th scope="row">
                    <Link href={`/audit?kind=warnings&rule=${encodeURIComponent(rule.rule)}`}>{rule.rule}</Link>{" "}
                    <Link className="muted overview-policy" href={`/policies/${encodeURIComponent(rule.policy)}`}>
                      {rule.policy}
                    </Link>
                  </th>
                  {[rule.raised, rule.upheld, rule.dismissed, rule.overturned, rule.lapsed, rule.open].map(
                    (value, at) => (
                      <td key={COLUMNS[at]} className="n">
                        {count(value)}
                      </td>
                    ),
                  )}
                  <td>
                    <span className="overview-rate">
                      <span className="overview-rate-track" aria-hidden="true">
                        <span style={{ width: `${(rule.upheld_milli ?? 0) / 10}%` }} />
                      </span>
                      <span className="number">{share(rule.upheld, rule.answered, "none answered")}</span>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}

const COLUMNS = ["raised", "upheld", "dismissed", "overturned", "lapsed", "open"];

const STOPS: readonly { of: keyof Omit<Overview["stops"]["automatic"], "verified_in">; name: string }[] = [
  { of: "requested", name: "Asked for" },
  { of: "verified", name: "Verified" },
  { of: "failed", name: "Failed" },
  { of: "held", name: "Held" },
  { of: "under_way", name: "Under way" },
  { of: "superseded", name: "Superseded" },
  { of: "not_needed", name: "Not needed" },
  { of: "cancelled", name: "Called off" },
];

export function Stops({ overview: { stops } }: { overview: Overview }) {
  return (
    <section className="card stack tight" aria-labelledby="overview-stops">
      <h2 id="overview-stops">Stops</h2>
      <Wide label="Stops">
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">What became of it</th>
              <Figure>By a rule</Figure>
              <Figure>By a person</Figure>
            </tr>
          </thead>
          <tbody>
            {STOPS.map(({ of, name }) => (
              <tr key={of}>
                <th scope="row">{name}</th>
                <td className="n">{count(stops.automatic[of])}</td>
                <td className="n">{count(stops.by_person[of])}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">Seen off the air after, median</th>
              <td className="n">{took(stops.automatic.verified_in.median_ms)}</td>
              <td className="n">{took(stops.by_person.verified_in.median_ms)}</td>
            </tr>
            <tr>
              <th scope="row">p95</th>
              <td className="n">{took(stops.automatic.verified_in.p95_ms)}</td>
              <td className="n">{took(stops.by_person.verified_in.p95_ms)}</td>
            </tr>
          </tbody>
        </table>
      </Wide>
    </section>
  );
}

export function Providers({ overview: { providers } }: { overview: OfAll }) {
  const may = useMay();
  return (
    <section className="card stack tight" aria-labelledby="overview-providers">
      <h2 id="overview-providers">Who judged, and what it cost</h2>
      {providers.length === 0 ? (
        <p className="muted">No provider answered in this time.</p>
      ) : (
        <Wide label="Providers">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Provider</th>
                <Figure>Calls</Figure>
                <Figure>Median</Figure>
                <Figure>p95</Figure>
                <Figure>Cost</Figure>
              </tr>
            </thead>
            <tbody>
              {providers.map((it) => (
                <tr key={`${it.provider} ${it.model}`}>
                  <th scope="row">
                    {it.provider} <span className="muted overview-policy">{it.model}</span>
                  </th>
                  <td className="n">{count(it.calls)}</td>
                  <td className="n">{took(it.took.median_ms)}</td>
                  <td className="n">{took(it.took.p95_ms)}</td>
                  <td className="n">{dollars(it.cost_micros)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {may("write_policy") && (
        <p>
          <Link href="/arena">Providers held against each other</Link>
        </p>
      )}
      {providers.some((it) => it.cost_micros == null) && (
        <p className="muted">Where no price is configured, no cost is known: that is not a cost of nothing.</p>
      )}
    </section>
  );
}

/** The head of a column of figures. */
function Figure({ children }: { children: ReactNode }) {
  return (
    <th scope="col" className="n">
      {children}
    </th>
  );
}
