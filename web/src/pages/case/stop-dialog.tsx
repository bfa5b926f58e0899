// Before a broadcast is ended: whose, with its last frame, and why. The dialog keeps to the broadcast for which it was
// opened; if another one is on the air meanwhile, it refuses.

import { useState } from "react";
import { said } from "../../api/client";
import { Picture } from "../../care/picture";
import { Confirm } from "../../design/dialog";
import { useNow } from "../../live/live";
import type { WarningRow } from "../../live/store";
import { useMay } from "../../session/session";
import { lasting } from "../../words/time";
import { kindWords } from "../../words/words";
import { useEnforce } from "./acts";
import { useChannelNow } from "./channel-now";
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
  onSent: (enforcement: string) => void;
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

export function StopDialog({ asked, row, frame, onClose, onUphold, onSent, pending, refusal }: StopDialogProps) {
  const [reason, setReason] = useState("");
  const channel = useChannelNow(row.channel);
  const now = useNow();
  const enforce = useEnforce();
  const mayLook = useMay()("read_evidence", row.channel);
  const onAir = channel.row?.session ?? null;
  const byAnswer = asked.by === "answer";
  const sent = enforce.data;
  const stops = asked.kind !== "lift";
  // Once it is asked for, that the broadcast ends is what was wanted.
  const over = stops && sent === undefined && channel.row !== undefined && onAir?.session !== asked.session;
  const unjudged = stops && asked.session !== row.session;
  const confirm = () => {
    const words = reason.trim();
    if (byAnswer) return onUphold(words === "" ? null : words);
    enforce.mutate(
      { channel: row.channel, body: { kind: asked.kind, session: asked.session, reason: words } },
      { onSuccess: ({ enforcement }) => onSent(enforcement) },
    );
  };
  const does = kindWords(asked.kind);
  const press = sent ? "Asked for" : byAnswer && over ? "Uphold" : `${does}: ${row.channel}`;
  return (
    <Confirm
      open
      title={byAnswer ? `Uphold, and ${does.toLowerCase()}: ${row.channel}` : `${does}: ${row.channel}`}
      onClose={onClose}
      confirm={press}
      onConfirm={confirm}
      disabled={
        (over && !byAnswer) || pending || enforce.isPending || sent !== undefined || (!byAnswer && reason.trim() === "")
      }
    >
      <dl className="facts">
        <dt>Channel</dt>
        <dd>
          <strong>{row.channel}</strong>
        </dd>
        <dt>Broadcast</dt>
        <dd>
          {!stops
            ? "any to come"
            : channel.row === undefined
              ? "not known"
              : onAir && !over
                ? `on the air for ${lasting(now - Date.parse(onAir.since))}`
                : "no longer on the air"}
        </dd>
      </dl>
      {over && (
        <p className="note" data-tone="grave" role="alert">
          <strong>
            The broadcast that you looked at is over
            {onAir ? ", and another one is on the air, which nobody judged" : ""}.
          </strong>{" "}
          {byAnswer ? "Upholding is recorded, and stops nothing." : "Nothing can be stopped from here."}
        </p>
      )}
      {unjudged && !over && (
        <p className="note" data-tone="warn">
          <strong>This is another broadcast than the one warned of.</strong> Its last frame is below.
        </p>
      )}
      {stops &&
        mayLook &&
        (unjudged ? (
          <LastFrame channel={row.channel} />
        ) : (
          <Picture frame={frame} label={`The frame you decide on, ${row.channel}`} />
        ))}
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
      {(refusal || enforce.error) && (
        <p className="note" data-tone="broken" role="alert">
          {refusal ?? `Nothing is known to have been done. ${said(enforce.error)}`}
        </p>
      )}
      {sent && <Progress enforcement={sent.enforcement} channel={row.channel} />}
    </Confirm>
  );
}

function LastFrame({ channel }: { channel: string }) {
  return (
    <figure className="picture">
      <div className="picture-frame">
        <img src={`/v1/channels/${encodeURIComponent(channel)}/picture`} alt={`Last frame of ${channel}`} />
      </div>
    </figure>
  );
}
