// Before a broadcast is ended: whose, with its last frame, and why. The dialog keeps to the broadcast for which it was
// opened; if another one is on the air meanwhile, it refuses.

import { useState } from "react";
import { said } from "../../api/client";
import { Picture } from "../../care/picture";
import { Confirm } from "../../design/dialog";
import { useSay } from "../../design/toasts";
import { useChannel, useNow } from "../../live/live";
import type { WarningRow } from "../../live/store";
import { useMay } from "../../session/session";
import { lasting } from "../../words/time";
import { kindWords } from "../../words/words";
import { useEnforce } from "./acts";
import { Progress } from "./progress";

export interface StopAsked {
  kind: "stop" | "suspend" | "lift";
  /** By hand, or because upholding the warning carries it out. */
  by: "hand" | "answer";
  session: string | null;
}

interface StopDialogProps {
  asked: StopAsked;
  row: WarningRow;
  frame: string;
  onClose: () => void;
  onUphold: (note: string | null) => void;
  pending: boolean;
  /** Why the answer was not taken. */
  refusal: string | null;
}

const EFFECTS: Record<StopAsked["kind"], string> = {
  stop: "The broadcast ends. The streamer's encoder may reconnect by itself.",
  suspend:
    "The channel's keys are revoked first, then the broadcast ends: the streamer cannot come back until this is lifted.",
  lift: "The channel gets a new key. The streamer must copy it into their encoder before they can broadcast again.",
};

export function StopDialog({ asked, row, frame, onClose, onUphold, pending, refusal }: StopDialogProps) {
  const [reason, setReason] = useState("");
  const channel = useChannel(row.channel);
  const now = useNow();
  const enforce = useEnforce();
  const say = useSay();
  const may = useMay();
  const onAir = channel?.session ?? null;
  const other = asked.kind !== "lift" && onAir?.session !== asked.session;
  const byAnswer = asked.by === "answer";
  const confirm = () => {
    const words = reason.trim();
    if (byAnswer) return onUphold(words === "" ? null : words);
    enforce.mutate(
      { channel: row.channel, body: { kind: asked.kind, session: asked.session, reason: words } },
      { onError: (error) => say("broken", said(error)) },
    );
  };
  const sent = enforce.data;
  const title = `${byAnswer ? "Uphold, and " : ""}${byAnswer ? kindWords(asked.kind).toLowerCase() : kindWords(asked.kind)}: ${row.channel}`;
  return (
    <Confirm
      open
      title={title}
      onClose={onClose}
      confirm={sent ? "Asked for" : `${kindWords(asked.kind)}: ${row.channel}`}
      onConfirm={confirm}
      disabled={other || pending || enforce.isPending || sent !== undefined || (!byAnswer && reason.trim() === "")}
    >
      <dl className="facts">
        <dt>Channel</dt>
        <dd>
          <strong>{row.channel}</strong>
        </dd>
        <dt>Broadcast</dt>
        <dd>
          {asked.kind === "lift"
            ? "any to come"
            : onAir && !other
              ? `on the air for ${lasting(now - Date.parse(onAir.since))}`
              : "no longer on the air"}
        </dd>
      </dl>
      {other && (
        <p className="note" data-tone="grave" role="alert">
          <strong>
            The broadcast that you looked at is over
            {onAir ? ", and another one is on the air, which nobody judged" : ""}.
          </strong>{" "}
          Nothing can be stopped from here.
        </p>
      )}
      {asked.kind !== "lift" && may("read_evidence", row.channel) && (
        <Picture frame={frame} label={`The frame you decide on, ${row.channel}`} />
      )}
      <p>{EFFECTS[asked.kind]}</p>
      <label className="field">
        <span>{byAnswer ? "Note (if you like)" : "Why (the streamer and the auditor will ask)"}</span>
        <textarea
          className="text"
          maxLength={2000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      {refusal && (
        <p className="note" data-tone="broken" role="alert">
          {refusal}
        </p>
      )}
      {sent && <Progress enforcement={sent.enforcement} channel={row.channel} />}
    </Confirm>
  );
}
