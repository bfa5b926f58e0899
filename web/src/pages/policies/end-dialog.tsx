// Takes a policy out of force, or ends its shadow, with a reason.

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { said } from "../../api/client";
import { Confirm } from "../../design/dialog";
import { useSay } from "../../design/toasts";
import { retire, unshadow } from "./policies";

export interface Ending {
  what: "policy" | "shadow";
  version: number;
}

export function EndDialog({ policy, ending, onClose }: { policy: string; ending: Ending; onClose: () => void }) {
  const [why, setWhy] = useState("");
  const [sent, setSent] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const client = useQueryClient();
  const say = useSay();
  const isShadow = ending.what === "shadow";
  const name = `${policy}@${ending.version}`;
  const send = async () => {
    setSent(true);
    setFailure(null);
    try {
      await (isShadow ? unshadow : retire)(policy, why.trim());
      say("calm", isShadow ? `The shadow of ${name} is over.` : `${name} is out of force.`);
      void client.invalidateQueries({ queryKey: ["policy", policy] });
      void client.invalidateQueries({ queryKey: ["policies"] });
      onClose();
    } catch (error) {
      setFailure(said(error));
      setSent(false);
    }
  };
  return (
    <Confirm
      open
      onClose={onClose}
      title={isShadow ? `End the shadow of ${name}?` : `Take ${name} out of force?`}
      confirm={isShadow ? "End the shadow" : `Retire ${policy}`}
      onConfirm={() => void send()}
      disabled={sent || why.trim() === ""}
    >
      <p>
        {isShadow
          ? "It judges no more beside the policy in force. What it said stays recorded."
          : "Channels that no other policy watches are then watched by nobody, and say so."}
      </p>
      <WhyField why={why} onWhy={setWhy} />
      {failure && (
        <p className="note" data-tone="broken" role="alert">
          <strong>It was refused.</strong> {failure}
        </p>
      )}
    </Confirm>
  );
}

export function WhyField({ why, onWhy }: { why: string; onWhy: (why: string) => void }) {
  return (
    <label className="field">
      <span>Why (recorded)</span>
      <textarea className="text" maxLength={2000} value={why} onChange={(event) => onWhy(event.target.value)} />
    </label>
  );
}
