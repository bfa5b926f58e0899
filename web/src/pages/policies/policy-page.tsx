// One policy: its versions, who published each and why, what differs between any two, and the way to the next.

import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { Refused } from "../../api/client";
import { Badge, Button, Loaded, Moment, Waiting } from "../../design/parts";
import { useMay } from "../../session/session";
import { NotYours } from "../../shell";
import { DiffView } from "./diff-view";
import { EndDialog, type Ending } from "./end-dialog";
import { OutlineView } from "./outline";
import { type OnePolicy, policyKey, policyOf, versionOf } from "./policies";
import "./policies.css";

const Write = lazy(() => import("./write"));

/** Stands for the policy that is not there yet; no id of a policy has a tilde. */
export const NEW = "~new";

export default function PolicyPage({ policy }: { policy: string }) {
  const [search, setSearch] = useSearchParams();
  const may = useMay();
  const isNew = policy === NEW;
  const query = useQuery({ queryKey: policyKey(policy), queryFn: () => policyOf(policy), enabled: !isNew });
  const writing = isNew || search.has("write");
  if (writing && !may("write_policy")) return <NotYours what="writing policies" />;
  const back = () => setSearch({}, { replace: true });
  if (isNew) {
    return (
      <Suspense fallback={<Waiting what="Fetching the editor" />}>
        <Write policy={null} inForce={null} text={TEMPLATE} onDone={() => undefined} />
      </Suspense>
    );
  }
  if (query.error instanceof Refused && query.error.status === 404) {
    return (
      <div className="stack">
        <h1>{policy}</h1>
        <p className="empty">No policy of this name was ever published, or it is for channels that are not yours.</p>
      </div>
    );
  }
  return (
    <Loaded query={query} what="The policy">
      {(one) =>
        writing ? <WriteNext policy={policy} one={one} onDone={back} /> : <Versions policy={policy} one={one} />
      }
    </Loaded>
  );
}

/** Writing begins with the text that is in force, or the newest there was. */
function WriteNext({ policy, one, onDone }: { policy: string; one: OnePolicy; onDone: () => void }) {
  const inForce = one.in_force?.policy.version ?? null;
  const from = inForce ?? one.versions[0]?.policy.version ?? 1;
  const query = useQuery({ queryKey: ["policy", policy, from], queryFn: () => versionOf(policy, from) });
  return (
    <Loaded query={query} what="The text to begin with">
      {(version) => (
        <Suspense fallback={<Waiting what="Fetching the editor" />}>
          <Write policy={policy} inForce={inForce} text={version.text ?? TEMPLATE} onDone={onDone} />
        </Suspense>
      )}
    </Loaded>
  );
}

function Versions({ policy, one }: { policy: string; one: OnePolicy }) {
  const [search, setSearch] = useSearchParams();
  const may = useMay();
  const [ending, end] = useState<Ending | null>(null);
  const inForce = one.in_force?.policy.version;
  const inShadow = one.in_shadow?.policy.version;
  const asked = Number(search.get("version"));
  const shown = one.versions.find((it) => it.policy.version === asked)?.policy.version;
  const version = shown ?? inForce ?? inShadow ?? one.versions[0]?.policy.version;
  const against = Number(search.get("against")) || null;
  const set = (change: Record<string, string | null>) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(change)) value === null ? next.delete(name) : next.set(name, value);
    setSearch(next, { replace: true });
  };
  return (
    <div className="policies">
      <div className="page-head">
        <h1>{policy}</h1>
        {inForce !== undefined ? (
          <Badge tone="calm">in force @{inForce}</Badge>
        ) : (
          <Badge tone="quiet">not in force</Badge>
        )}
        {inShadow !== undefined && <Badge tone="shadow">in shadow @{inShadow}</Badge>}
        <span className="spacer" />
        {may("write_policy") && (
          <>
            {inShadow !== undefined && (
              <>
                <a className="button" href={`/v1/policies/${encodeURIComponent(policy)}/shadow?format=html`}>
                  How the shadow compares
                </a>
                <Button onPress={() => end({ what: "shadow", version: inShadow })}>End the shadow…</Button>
              </>
            )}
            {inForce !== undefined && (
              <Button onPress={() => end({ what: "policy", version: inForce })}>Retire…</Button>
            )}
            <Button look="main" onPress={() => set({ write: "" })}>
              {inForce === undefined ? "Write the next version" : "Edit"}
            </Button>
          </>
        )}
      </div>
      <div className="policy-body">
        <section className="card" aria-labelledby="policy-versions">
          <h2 id="policy-versions">Versions</h2>
          <ol className="policy-versions">
            {one.versions.map((it) => {
              const number = it.policy.version;
              return (
                <li key={it.position}>
                  <Link
                    href={`/policies/${encodeURIComponent(policy)}?version=${number}`}
                    aria-current={number === version ? "true" : undefined}
                  >
                    <span className="row">
                      <strong>@{number}</strong>
                      {number === inForce && <Badge tone="calm">in force</Badge>}
                      {number === inShadow && <Badge tone="shadow">in shadow</Badge>}
                      {it.shadow && number !== inShadow && <span className="muted">ran in shadow</span>}
                      {it.retired_at && <span className="muted">retired</span>}
                    </span>
                    <span className="muted">
                      <Moment at={it.published_at} /> by {it.published_by}
                    </span>
                  </Link>
                </li>
              );
            })}
          </ol>
        </section>
        {version !== undefined && (
          <OneOf
            policy={policy}
            version={version}
            others={one.versions.map((it) => it.policy.version).filter((number) => number !== version)}
            against={against}
            onAgainst={(against) =>
              set({ against: against === null ? null : String(against), version: String(version) })
            }
          />
        )}
      </div>
      {ending && <EndDialog policy={policy} ending={ending} onClose={() => end(null)} />}
    </div>
  );
}

interface OneOfProps {
  policy: string;
  version: number;
  others: readonly number[];
  against: number | null;
  onAgainst: (version: number | null) => void;
}

function OneOf({ policy, version, others, against, onAgainst }: OneOfProps) {
  const query = useQuery({
    queryKey: ["policy", policy, version],
    queryFn: () => versionOf(policy, version),
  });
  return (
    <Loaded query={query} what="The version">
      {(one) => (
        <div className="stack">
          <section className="card stack" aria-labelledby="policy-version">
            <h2 id="policy-version">
              {policy}@{version}
            </h2>
            <p>
              {one.shadow ? "Put in shadow" : "Published"} by {one.published_by}, <Moment at={one.published_at} />
              {one.why ? `: “${one.why}”` : ". Why, nobody said."}
            </p>
            {one.retired_at && (
              <p className="note" data-tone="quiet">
                Retired by {one.retired_by}, <Moment at={one.retired_at} />
                {one.retired_why ? `: “${one.retired_why}”` : "."}
              </p>
            )}
            {one.outline ? (
              <OutlineView outline={one.outline} />
            ) : (
              <p className="muted">Its text was erased, and with it what it said.</p>
            )}
          </section>
          <section className="card stack tight" aria-labelledby="policy-text">
            <div className="row policy-text-head">
              <h2 id="policy-text">Its text</h2>
              {others.length > 0 && (
                <label className="row">
                  <span className="muted">compared with</span>
                  <select
                    className="text policy-hours"
                    value={against ?? ""}
                    onChange={(event) => onAgainst(event.target.value ? Number(event.target.value) : null)}
                  >
                    <option value="">nothing</option>
                    {others.map((number) => (
                      <option key={number} value={number}>
                        @{number}
                      </option>
                    ))}
                  </select>
                </label>
              )}
            </div>
            {one.text == null ? (
              <p className="muted">It was erased.</p>
            ) : against ? (
              <Against policy={policy} version={version} against={against} text={one.text} />
            ) : (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
              <pre className="policy-text" tabIndex={0}>
                {one.text}
              </pre>
            )}
          </section>
        </div>
      )}
    </Loaded>
  );
}

function Against({
  policy,
  version,
  against,
  text,
}: {
  policy: string;
  version: number;
  against: number;
  text: string;
}) {
  const query = useQuery({
    queryKey: ["policy", policy, against],
    queryFn: () => versionOf(policy, against),
  });
  return (
    <Loaded query={query} what="The other version">
      {(other) =>
        other.text == null ? (
          <p className="muted">The text of @{against} was erased.</p>
        ) : (
          <DiffView before={other.text} after={text} label={`From @${against} to @${version}`} />
        )
      }
    </Loaded>
  );
}

const TEMPLATE = `# Which channels, how closely, and what is watched for. A list of channels goes before every pattern.
policy: my-policy
title: What people call it
channels: { matching: ^my-channels/ }
taxonomy: rekognition/7.0
sampling: { every: 10s to 2m, reassess_after: 5m }
rules:
  - id: weapons
    categories: [Violence/Weapons]
    confidence: 80
    window: 2 of 3
    action: warn
    severity: 4
`;
