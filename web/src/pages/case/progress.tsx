// How far a stop has come, step by step, until it is verified; and what is left to a person.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, said } from "../../api/client";
import { Confirm } from "../../design/dialog";
import { Icon } from "../../design/icons";
import { Badge, Button, Failed, Moment } from "../../design/parts";
import { useSay } from "../../design/toasts";
import type { WarningRow } from "../../live/store";
import { useMay } from "../../session/session";
import { kindWords, STEPS, stageWords } from "../../words/words";
import { useSettle } from "./acts";

interface ProgressProps {
  enforcement: string;
  /** As the live feed has it; none for one that no warning led to. */
  led?: NonNullable<WarningRow["enforcement"]>;
  channel: string;
}

/** Asked so often while it is under way and the feed does not speak of it. */
const ASK_MS = 1_000;

export function Progress({ enforcement, led, channel }: ProgressProps) {
  const query = useQuery({
    queryKey: ["enforcement", enforcement, led ? JSON.stringify(led.stage) : ""],
    queryFn: () => answered(api.GET("/v1/enforcements/{enforcement}", { params: { path: { enforcement } } })),
    placeholderData: (before) => (before?.enforcement === enforcement ? before : undefined),
    refetchInterval: (query) => (led || query.state.data?.ended ? false : ASK_MS),
  });
  const kind = query.data?.kind ?? led?.kind;
  const stage = led?.stage ?? query.data?.stage;
  if (!kind || !stage)
    return query.error ? <Failed what="How far the stop is could not be had." error={query.error} /> : null;
  const now = stageWords(stage, kind);
  const reached = new Map(query.data?.steps.map((step) => [stageWords(step.stage).name, step]));
  return (
    <section
      className="card progress"
      aria-label={`${kindWords(kind)}: progress`}
      data-tone={now.tone}
      data-stage={now.name}
    >
      <div className="row">
        <h2>{kindWords(kind)}</h2>
        <Badge tone={now.tone}>{now.text}</Badge>
        {now.name === "held" && <Held enforcement={enforcement} channel={channel} />}
      </div>
      <ol className="steps">
        {STEPS.map((name) => {
          const step = reached.get(name);
          return (
            <li key={name} data-reached={step !== undefined}>
              <Icon name={step ? "tick" : "dash"} label={step ? "done" : "not yet"} />
              <span>{name === "verified" && kind === "lift" ? "Seen to have its new key" : STEP_NAMES[name]}</span>
              {step && <Moment at={step.at} />}
            </li>
          );
        })}
      </ol>
      {query.data?.steps.at(-1)?.reason && <p>{query.data.steps.at(-1)?.reason}</p>}
      {now.name === "verified" && kind === "suspend" && (
        <p className="muted">The key is revoked: the streamer cannot come back until the suspension is lifted.</p>
      )}
      {now.name === "verified" && kind === "stop" && (
        <p className="muted">The encoder may reconnect by itself: a stop ends this broadcast, not the channel.</p>
      )}
      {now.name === "verified" && kind === "lift" && (
        <p className="note" data-tone="warn">
          The channel has a <strong>new key</strong>. The streamer must copy it from their settings into their encoder
          and start again; the old one stays dead.
        </p>
      )}
      {now.name === "failed" && (
        <p className="note" data-tone="grave">
          {kind === "lift" ? (
            <strong>The streamer still cannot broadcast.</strong>
          ) : (
            <strong>The broadcast may still be on the air.</strong>
          )}{" "}
          Try again, or do it in the platform's console.
        </p>
      )}
    </section>
  );
}

const STEP_NAMES: Record<(typeof STEPS)[number], string> = {
  requested: "Asked for",
  admitted: "Let go ahead",
  attempted: "Tried",
  succeeded: "Accepted by the platform",
  verified: "Seen off the air",
};

function Held({ enforcement, channel }: { enforcement: string; channel: string }) {
  const may = useMay()("enforce", channel);
  const [asking, ask] = useState<"admit" | "cancel" | null>(null);
  const settle = useSettle();
  const say = useSay();
  if (!may) return null;
  const confirm = () => {
    if (!asking) return;
    settle.mutate(
      { enforcement, how: asking },
      { onError: (error) => say("broken", said(error)), onSettled: () => ask(null) },
    );
  };
  return (
    <>
      <Button binding="admit" onPress={() => ask("admit")}>
        Let it go ahead
      </Button>
      <Button onPress={() => ask("cancel")}>Call it off</Button>
      <Confirm
        open={asking !== null}
        onClose={() => ask(null)}
        title={asking === "cancel" ? `Call the stop of ${channel} off?` : `Let the stop of ${channel} go ahead?`}
        confirm={asking === "cancel" ? "Call it off" : `Stop ${channel}`}
        onConfirm={confirm}
        disabled={settle.isPending}
      >
        <p>It was held because more streams were stopped automatically within a short time than the budget allows.</p>
      </Confirm>
    </>
  );
}
