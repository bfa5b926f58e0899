// The answer that this person gave last, for as long as it can be taken back, wherever in the queue they are by now.

import { said } from "../../api/client";
import { Button } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { useNow, useWarning } from "../../live/live";
import { useWho } from "../../session/session";
import { counting } from "../../words/time";
import { undoLeft, useAct } from "../case/acts";

export function TakeBack({
  last,
  shown,
  hidden,
  onTakenBack,
}: {
  last: string | null;
  shown: string | null;
  hidden: boolean;
  onTakenBack: (id: string) => void;
}) {
  const { caller } = useWho();
  const row = useWarning(last);
  const now = useNow();
  const say = useSay();
  const act = useAct((sent) => {
    say("quiet", "Taken back: it is open again.");
    onTakenBack(sent.warning);
  });
  const left = row ? undoLeft(row, caller.id, now) : 0;
  // The case itself offers it where it is open.
  if (hidden || !row || left <= 0 || row.warning === shown) return null;
  const press = () =>
    act.mutate(
      { warning: row.warning, version: row.version, act: { do: "withdraw" } },
      { onError: (error) => say("broken", said(error)) },
    );
  return (
    <div className="take-back">
      <span className="muted">
        {row.answer?.upheld ? "Upheld" : "Dismissed"}: {row.rule} on {row.channel}
      </span>
      <Button binding="withdraw" onPress={press} disabled={act.isPending}>
        Take back <span className="number">{counting(left)}</span>
      </Button>
    </div>
  );
}
