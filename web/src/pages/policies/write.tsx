// Writes the next version of a policy: checked as it is written, held against what is in force, tried on the past, and
// published with a reason.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import { Refused, said } from "../../api/client";
import { Confirm } from "../../design/dialog";
import { Badge, Button, Failed, Moment } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { DiffView } from "./diff-view";
import { draftOf, keepDraft } from "./draft";
import { DryRunPanel } from "./dry-run";
import Editor, { type EditorHandle } from "./editor";
import { WhyField } from "./end-dialog";
import { OutlineView } from "./outline";
import { type Checked, type Mistake, mistakesIn, publish, shadow, taxonomies } from "./policies";

interface WriteProps {
  /** None: a policy that is not there yet. */
  policy: string | null;
  inForce: number | null;
  /** What it begins with. */
  text: string;
  onDone: () => void;
}

export default function Write({ policy, inForce, text: initial, onDone }: WriteProps) {
  const place = policy ?? "~new";
  // What is in force may change while somebody writes: the version that they began with is theirs.
  const [draft, setDraft] = useState(() => draftOf(place) ?? { text: initial, base: inForce ?? 0, at: 0 });
  const [began] = useState(initial);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [checkFailed, setCheckFailed] = useState<unknown>(null);
  const [tried, setTried] = useState<string | null>(null);
  const [asking, ask] = useState<"publish" | "shadow" | null>(null);
  // Each text that was not written in the editor gets an editor of its own.
  const [round, setRound] = useState(0);
  const editor = useRef<EditorHandle>(null);
  const known = useQuery({ queryKey: ["taxonomies"], queryFn: taxonomies, staleTime: Number.POSITIVE_INFINITY });
  const write = (text: string) => {
    const next = { text, base: draft.base, at: Date.now() };
    setDraft(next);
    setChecked(null);
    keepDraft(place, text === began ? null : next);
  };
  const discard = () => {
    keepDraft(place, null);
    setRound((round) => round + 1);
    setDraft({ text: began, base: inForce ?? 0, at: 0 });
  };
  const { text } = draft;
  const isChanged = text !== began;
  const isReady = checked?.valid === true;
  const isStale = policy !== null && draft.base !== (inForce ?? 0);
  return (
    <div className="policies">
      <div className="page-head">
        <h1>{policy === null ? "A new policy" : `Next version of ${policy}`}</h1>
        <Standing checked={checked} failed={checkFailed} />
        <span className="spacer" />
        {policy !== null && <Button onPress={onDone}>Back to the versions</Button>}
        {isChanged && <Button onPress={discard}>Discard</Button>}
        <Button binding="dry_run" onPress={() => setTried(text)} disabled={!isReady}>
          Try on the past
        </Button>
        <Button onPress={() => ask("shadow")} disabled={!isReady}>
          Run in shadow…
        </Button>
        <Button look="main" binding="publish" onPress={() => ask("publish")} disabled={!isReady || !isChanged}>
          Publish…
        </Button>
      </div>
      {isStale && (
        <p className="note" data-tone="warn">
          <strong>@{inForce ?? 0} is in force by now.</strong> This text was begun on @{draft.base}; publishing it is
          refused. Copy what you need, discard, and begin again from what is in force.
        </p>
      )}
      {draft.at > 0 && isChanged && (
        <p className="muted">
          Not published; kept in this tab since <Moment at={draft.at} />.
        </p>
      )}
      <div className="policy-write">
        <div className="stack tight">
          <Editor
            key={round}
            ref={editor}
            text={text}
            taxonomies={known.data ?? []}
            label="The policy's text"
            onText={write}
            onChecked={(checked, error) => {
              setChecked(checked);
              setCheckFailed(error);
            }}
          />
          {checkFailed ? <Failed what="The text could not be checked." error={checkFailed} /> : null}
          {checked && (
            <Mistakes mistakes={checked.mistakes} onShow={(line, column) => editor.current?.show(line, column)} />
          )}
        </div>
        <div className="stack">
          <section className="card stack tight" aria-labelledby="policy-changes">
            <h2 id="policy-changes">{policy === null ? "What is written" : `What changes against @${draft.base}`}</h2>
            <DiffView before={policy === null ? "" : began} after={text} label="What changes" />
          </section>
          {checked && checked.policies.length > 0 && (
            <section className="card stack" aria-labelledby="policy-says">
              <h2 id="policy-says">What it says</h2>
              {checked.policies.map((outline) => (
                <section key={outline.policy.id} className="stack tight">
                  <h3>{outline.policy.id}</h3>
                  <OutlineView outline={outline} />
                </section>
              ))}
            </section>
          )}
        </div>
      </div>
      {tried !== null && <DryRunPanel text={tried} />}
      {tried !== null && tried !== text && <p className="muted">The text has changed since it was tried.</p>}
      {asking && (
        <PublishDialog
          how={asking}
          before={policy === null ? "" : began}
          text={text}
          base={draft.base}
          checked={checked}
          onMistakes={(mistakes) => setChecked((checked) => checked && { ...checked, valid: false, mistakes })}
          onDone={() => keepDraft(place, null)}
          onClose={() => ask(null)}
        />
      )}
    </div>
  );
}

function Standing({ checked, failed }: { checked: Checked | null; failed: unknown }) {
  return (
    <output>
      {failed ? (
        <Badge tone="broken">not checked</Badge>
      ) : !checked ? (
        <Badge tone="quiet">being checked</Badge>
      ) : checked.valid ? (
        <Badge tone="calm">
          may be published{checked.mistakes.length > 0 && `, ${checked.mistakes.length} to read first`}
        </Badge>
      ) : (
        <Badge tone="grave">{countOf(checked.mistakes, "error")}</Badge>
      )}
    </output>
  );
}

function countOf(mistakes: readonly Mistake[], severity: Mistake["severity"]): string {
  const count = mistakes.filter((mistake) => mistake.severity === severity).length;
  return `${count} ${count === 1 ? "mistake" : "mistakes"}`;
}

const TONES = { error: "grave", warning: "warn", note: "quiet" } as const;

function Mistakes({
  mistakes,
  onShow,
}: {
  mistakes: readonly Mistake[];
  onShow: (line: number, column: number) => void;
}) {
  if (mistakes.length === 0) return null;
  return (
    <ul className="policy-mistakes" aria-label="What was found in the text">
      {mistakes.map((mistake) => (
        <li
          key={`${mistake.line} ${mistake.column} ${mistake.what}`}
          className="note"
          data-tone={TONES[mistake.severity]}
        >
          <button type="button" className="policy-place" onClick={() => onShow(mistake.line, mistake.column)}>
            line {mistake.line}, column {mistake.column}
          </button>{" "}
          <strong>{mistake.what}</strong>
          {mistake.expected && <>; expected: {mistake.expected}</>}
          {mistake.hint && <p>{mistake.hint}</p>}
        </li>
      ))}
    </ul>
  );
}

interface PublishDialogProps {
  how: "publish" | "shadow";
  before: string;
  text: string;
  base: number;
  checked: Checked | null;
  onMistakes: (mistakes: Mistake[]) => void;
  onDone: () => void;
  onClose: () => void;
}

function PublishDialog({ how, before, text, base, checked, onMistakes, onDone, onClose }: PublishDialogProps) {
  const [why, setWhy] = useState("");
  const [sent, setSent] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const say = useSay();
  const ids = checked?.policies.map((outline) => outline.policy.id) ?? [];
  const isShadow = how === "shadow";
  const send = async () => {
    setSent(true);
    setFailure(null);
    try {
      const { policies } = isShadow
        ? await shadow(text, why.trim())
        : await publish(text, why.trim(), ids.length === 1 ? base : undefined);
      const names = policies.map((it) => `${it.policy.id}@${it.policy.version}`).join(", ");
      say("calm", isShadow ? `${names} runs in shadow.` : `${names} is in force.`);
      onDone();
      await client.invalidateQueries({ queryKey: ["policy"] });
      void client.invalidateQueries({ queryKey: ["policies"] });
      onClose();
      const first = policies[0]?.policy;
      if (first) navigate(`/policies/${encodeURIComponent(first.id)}?version=${first.version}`);
    } catch (error) {
      if (error instanceof Refused && mistakesIn(error.body).length > 0) onMistakes(mistakesIn(error.body));
      setFailure(said(error));
      setSent(false);
    }
  };
  return (
    <Confirm
      open
      wide
      onClose={onClose}
      title={isShadow ? `Run ${ids.join(", ")} in shadow?` : `Put ${ids.join(", ")} in force?`}
      confirm={isShadow ? "Run in shadow" : `Publish ${ids.join(", ")}`}
      onConfirm={() => void send()}
      disabled={sent || why.trim() === ""}
    >
      <p>
        {isShadow
          ? "It judges beside the policy in force, and nothing follows from its verdicts."
          : "From the next frame on it decides on its channels. Frames under way end under the version that they began with."}
        {ids.length > 1 &&
          ` The text holds ${ids.length} policies; those whose text is the one in force stay as they are.`}
      </p>
      <DiffView before={before} after={text} label="What changes" />
      {checked && checked.mistakes.length > 0 && (
        <ul className="policy-says">
          {checked.mistakes.map((mistake) => (
            <li key={`${mistake.line} ${mistake.what}`}>
              Line {mistake.line}: {mistake.what}
              {mistake.hint && `; ${mistake.hint}`}
            </li>
          ))}
        </ul>
      )}
      <WhyField why={why} onWhy={setWhy} />
      {failure && (
        <p className="note" data-tone="broken" role="alert">
          <strong>It was refused.</strong> {failure}
        </p>
      )}
    </Confirm>
  );
}
