// What can be done about a warning, each with its key. Everything names the warning by its id and the version that was
// on the screen.

import { useEffect, useState } from "react";
import { said } from "../../api/client";
import { Dialog } from "../../design/dialog";
import { Button } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { useNow } from "../../live/live";
import type { WarningRow } from "../../live/store";
import { useMay, useWho } from "../../session/session";
import { counting } from "../../words/time";
import { kindWords } from "../../words/words";
import { type Act, follows, isChanged, undoLeft, useAct } from "./acts";
import type { Seen } from "./case";
import { useChannelNow } from "./channel-now";
import { Progress } from "./progress";
import { type StopAsked, StopDialog } from "./stop-dialog";

interface ActionsProps {
  row: WarningRow;
  seen: Seen;
  frame: string;
  onAnswered: (id: string) => void;
}

type Worded = "note" | "escalate" | "overturn";
type Asking = Worded | StopAsked | null;

export function Actions({ row, seen, frame, onAnswered }: ActionsProps) {
  const { caller } = useWho();
  const may = useMay();
  const now = useNow();
  const say = useSay();
  const channel = useChannelNow(row.channel);
  const [asking, ask] = useState<Asking>(null);
  const [byHand, setByHand] = useState<string | null>(null);
  const act = useAct((sent, written) => {
    const version = written.warnings.find((it) => it.id === sent.warning)?.version;
    if (version !== undefined && sent.warning === row.warning) seen.mine(version);
    ask(null);
    if (sent.act.do === "answer") {
      say(
        sent.act.answer === "uphold" ? "grave" : "calm",
        `${sent.act.answer === "uphold" ? "Upheld" : "Dismissed"}: ${row.rule} on ${row.channel}.`,
      );
      onAnswered(sent.warning);
    }
    if (sent.act.do === "overturn")
      say("calm", `Overturned: ${row.rule} on ${row.channel} counts for nothing any more.`);
    if (sent.act.do === "withdraw") say("quiet", `Taken back: ${row.rule} on ${row.channel} is open again.`);
  });
  const [refusal, setRefusal] = useState<string | null>(null);
  const send = (what: Act) => {
    setRefusal(null);
    const decides = what.do === "answer" || what.do === "escalate" || what.do === "overturn";
    if (decides && seen.isFresh) {
      setRefusal("This came, or changed, just as you pressed. Nothing was done: look, then press again.");
      return;
    }
    // Somebody else's act is read before it is answered: the first press says what it was.
    if (decides && seen.changed) {
      seen.acknowledge();
      setRefusal(
        `Changed since you looked: ${changeWords(row, caller.id)} Nothing was done; press again if it still stands.`,
      );
      return;
    }
    act.mutate(
      { warning: row.warning, version: seen.version, act: what },
      {
        onError: (error) =>
          setRefusal(
            isChanged(error)
              ? "It changed since you looked, and nothing was done. Look again, then press again."
              : said(error),
          ),
      },
    );
  };

  const moderates = may("moderate", row.channel);
  const enforces = may("enforce", row.channel);
  const overturns =
    may("appeal", row.channel) && row.answer?.upheld === true && !row.overturned && row.answer.by !== caller.id;
  const open = row.standing === "open" || row.standing === "claimed_by_another";
  const claimed = row.claim && Date.parse(row.claim.until) > now ? row.claim : null;
  const mine = claimed?.by === caller.id;
  const theirs = claimed !== null && !mine;
  const left = undoLeft(row, caller.id, now);
  const wouldFollow = follows(row);
  const session = channel.row?.session?.session ?? null;
  // A suspended channel is off the air; whether one is suspended only the platform knows.
  const lifts = channel.row !== undefined && session === null;

  const uphold = () =>
    wouldFollow
      ? ask({ kind: wouldFollow, by: "answer", session: row.session })
      : send({ do: "answer", answer: "uphold", note: null });

  if (!moderates && !enforces && !overturns) return null;
  return (
    <section className="actions card" aria-label="What you can do">
      {seen.changed && (
        <p className="note row" data-tone="warn" role="alert">
          <span>
            <strong>Changed since you looked.</strong> {changeWords(row, caller.id)}
          </span>
          <Button onPress={seen.acknowledge}>I have seen it</Button>
        </p>
      )}
      {refusal && (
        <p className="note" data-tone="broken" role="alert">
          {refusal}
        </p>
      )}
      <div className="row">
        {moderates && open && (
          <>
            <Button binding="claim" onPress={() => send({ do: "claim" })} disabled={theirs || act.isPending}>
              {mine ? "Claim again" : theirs ? `${claimed.by} has it` : "Claim"}
            </Button>
            {mine && (
              <Button binding="release" onPress={() => send({ do: "release" })} disabled={act.isPending}>
                Give back
              </Button>
            )}
            <span className="divider" />
            <Button
              binding="dismiss"
              onPress={() => send({ do: "answer", answer: "dismiss", note: null })}
              disabled={theirs || act.isPending}
            >
              Dismiss
            </Button>
            <Button binding="uphold" onPress={uphold} disabled={theirs || act.isPending}>
              {wouldFollow === "stop"
                ? "Uphold, which stops it…"
                : wouldFollow === "suspend"
                  ? "Uphold, which suspends it…"
                  : "Uphold"}
            </Button>
            <span className="divider" />
            <Button binding="escalate" onPress={() => ask("escalate")} disabled={theirs || act.isPending}>
              Hand on…
            </Button>
          </>
        )}
        {moderates && left > 0 && (
          <Button binding="withdraw" onPress={() => send({ do: "withdraw" })} disabled={act.isPending}>
            Take back <span className="number">{counting(left)}</span>
          </Button>
        )}
        {moderates && (
          <Button binding="note" onPress={() => ask("note")} disabled={act.isPending}>
            Note…
          </Button>
        )}
        {overturns && (
          <Button binding="overturn" onPress={() => ask("overturn")} disabled={act.isPending}>
            Overturn…
          </Button>
        )}
        <span className="spacer" />
        {enforces && session && (
          <>
            <Button binding="stop" onPress={() => ask({ kind: "stop", by: "hand", session })}>
              {kindWords("stop")}…
            </Button>
            <Button binding="suspend" onPress={() => ask({ kind: "suspend", by: "hand", session })}>
              {kindWords("suspend")}…
            </Button>
          </>
        )}
        {enforces && !channel.row && (
          <span className="note" data-tone="broken">
            Whether it is on the air is not known{channel.error ? `: ${said(channel.error)}` : ""}.
          </span>
        )}
        {lifts && enforces && <span className="muted">Off the air: nothing to stop.</span>}
        {enforces && lifts && (
          <Button binding="lift" onPress={() => ask({ kind: "lift", by: "hand", session: null })}>
            {kindWords("lift")}…
          </Button>
        )}
      </div>
      <WordsDialog
        asking={asking}
        onClose={() => ask(null)}
        send={send}
        pending={act.isPending}
        row={row}
        refusal={refusal}
      />
      {typeof asking === "object" && asking !== null && (
        <StopDialog
          asked={asking}
          row={row}
          frame={frame}
          onClose={() => ask(null)}
          onUphold={(note) => send({ do: "answer", answer: "uphold", note })}
          pending={act.isPending}
          refusal={refusal}
          onSent={setByHand}
        />
      )}
      {byHand && byHand !== row.enforcement?.enforcement && <Progress enforcement={byHand} channel={row.channel} />}
    </section>
  );
}

function changeWords(row: WarningRow, me: string): string {
  if (row.answer?.by === me) return "Your own answer was recorded.";
  if (row.answer && row.answer.by !== me) return `${row.answer.by} ${row.answer.upheld ? "upheld" : "dismissed"} it.`;
  if (row.lapsed) return "It needs no answer any more.";
  if (row.claim && row.claim.by !== me) return `${row.claim.by} has claimed it.`;
  if (row.escalated) return `${row.escalated.by} handed it on${row.escalated.to ? ` to ${row.escalated.to}` : ""}.`;
  return "Something was added to it.";
}

interface WordsDialogProps {
  asking: Asking;
  onClose: () => void;
  send: (act: Act) => void;
  pending: boolean;
  row: WarningRow;
  refusal: string | null;
}

const WORDS: Record<Worded, { title: string; field: string; press: string; about?: string; needed: boolean }> = {
  note: {
    title: "Note on",
    field: "Your words, for whoever works on this after you",
    press: "Add the note",
    needed: true,
  },
  escalate: {
    title: "Hand to somebody else:",
    field: "To whom (empty: whoever is free)",
    press: "Hand on",
    about: "Your claim on it ends.",
    needed: false,
  },
  overturn: {
    title: "Overturn on appeal:",
    field: "Why (the streamer and the auditor will ask)",
    press: "Overturn it",
    about:
      "The answer no longer stands and leaves no trace in the channel's reputation. A stop or revoked keys that came of it are lifted by an act of its own.",
    needed: true,
  },
};

function WordsDialog({ asking, onClose, send, pending, row, refusal }: WordsDialogProps) {
  const [words, setWords] = useState("");
  const what = typeof asking === "string" ? asking : null;
  // What was written stays until it is taken or given up, whatever the server says to it.
  useEffect(() => {
    if (what === null) setWords("");
  }, [what]);
  const { title, field, press, about, needed } = WORDS[what ?? "note"];
  const text = words.trim();
  const confirm = () => {
    if (what === "note") send({ do: "note", note: text });
    if (what === "overturn") send({ do: "overturn", why: text });
    if (what === "escalate") send({ do: "escalate", to: text === "" ? null : text });
  };
  return (
    <Dialog
      open={what !== null}
      onClose={onClose}
      title={`${title} ${row.rule}, ${row.channel}`}
      foot={
        <>
          <Button onPress={onClose}>Not now</Button>
          <Button look="main" binding="confirm" onPress={confirm} disabled={pending || (needed && text === "")}>
            {press}
          </Button>
        </>
      }
    >
      {what === "escalate" ? (
        <label className="field">
          <span>{field}</span>
          <input className="text" value={words} onChange={(event) => setWords(event.target.value)} />
        </label>
      ) : (
        <label className="field">
          <span>{field}</span>
          <textarea
            className="text"
            maxLength={2000}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        </label>
      )}
      {about && <p className="muted">{about}</p>}
      {refusal && (
        <p className="note" data-tone="broken" role="alert">
          {refusal}
        </p>
      )}
    </Dialog>
  );
}
