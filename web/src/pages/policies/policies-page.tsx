// All policies: what is in force, what runs in shadow, and who put it there.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { answered, api, type Schemas } from "../../api/client";
import { Badge, Loaded, Moment, Wide } from "../../design/parts";
import { useMay } from "../../session/session";
import { NEW } from "./policy-page";
import "./policies.css";

type Policy = Schemas["Policy"];

const PAGE = 200;
const PAGES_MAX = 10;

async function everyPolicy(): Promise<{ items: Policy[]; cut: boolean }> {
  const items: Policy[] = [];
  let after: string | undefined;
  for (let turn = 0; turn < PAGES_MAX; turn++) {
    const page = await answered(api.GET("/v1/policies", { params: { query: { limit: PAGE, after } as never } }));
    items.push(...page.items);
    if (!page.next) return { items, cut: false };
    after = page.next;
  }
  return { items, cut: true };
}

export default function PoliciesPage() {
  const query = useQuery({ queryKey: ["policies"], queryFn: everyPolicy });
  const may = useMay();
  return (
    <div className="policies">
      <div className="page-head">
        <h1>Policies</h1>
        <span className="spacer" />
        {may("write_policy") && (
          <Link className="button" href={`/policies/${NEW}`}>
            Write a new one
          </Link>
        )}
      </div>
      <Loaded query={query} what="The policies">
        {({ items, cut }) =>
          items.length === 0 ? (
            <p className="empty">No policy was ever published: nobody watches any channel.</p>
          ) : (
            <section className="card">
              <h2 className="unseen">All policies</h2>
              <Wide label="Policies">
                <table className="figures">
                  <thead>
                    <tr>
                      <th scope="col">Policy</th>
                      <th scope="col">State</th>
                      <th scope="col" className="n">
                        Versions
                      </th>
                      <th scope="col">Newest</th>
                    </tr>
                  </thead>
                  <tbody>
                    {[...items].sort(byState).map((policy) => (
                      <tr key={policy.id}>
                        <th scope="row">
                          <Link href={`/policies/${encodeURIComponent(policy.id)}`}>{policy.id}</Link>
                        </th>
                        <td>
                          <States policy={policy} />
                        </td>
                        <td className="n">{policy.versions}</td>
                        <td>
                          <Newest policy={policy} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Wide>
              {cut && <p className="muted">There are more; these are the first {items.length}.</p>}
            </section>
          )
        }
      </Loaded>
    </div>
  );
}

function States({ policy }: { policy: Pick<Policy, "in_force" | "in_shadow"> }) {
  return (
    <span className="row">
      {policy.in_force != null ? (
        <Badge tone="calm">in force @{policy.in_force}</Badge>
      ) : (
        <Badge tone="quiet">{policy.in_shadow != null ? "not in force" : "retired"}</Badge>
      )}
      {policy.in_shadow != null && <Badge tone="shadow">in shadow @{policy.in_shadow}</Badge>}
    </span>
  );
}

function Newest({ policy: { newest } }: { policy: Policy }) {
  return (
    <>
      @{newest.policy.version} by {newest.published_by}, <Moment at={newest.published_at} />
      {newest.retired_at && (
        <span className="muted">
          ; retired by {newest.retired_by}, <Moment at={newest.retired_at} />
        </span>
      )}
    </>
  );
}

function byState(a: Policy, b: Policy): number {
  const rank = (policy: Policy) => (policy.in_force != null ? 0 : policy.in_shadow != null ? 1 : 2);
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}
