// What a moderator does to a warning: by its id, naming the version they saw, once. A change since then is refused by
// the server and shown; nothing is ever tried again by itself.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answered, api, Refused, type Schemas } from "../../api/client";
import type { WarningRow } from "../../live/store";

/** Keys of acts that were sent and not answered. */
const unanswered = new Map<string, string>();

/**
 * The key under which an act is done once. The same act pressed again after its answer was lost has the same key; one that
 * was answered, or refused, is over.
 */
async function once<T>(
  intent: unknown[],
  send: (params: { header: { "Idempotency-Key": string } }) => Promise<T>,
): Promise<T> {
  const name = JSON.stringify(intent);
  const key = unanswered.get(name) ?? newKey();
  unanswered.set(name, key);
  try {
    const answer = await send({ header: { "Idempotency-Key": key } });
    unanswered.delete(name);
    return answer;
  } catch (error) {
    if (error instanceof Refused && error.status > 0) unanswered.delete(name);
    throw error;
  }
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export type Act =
  | { do: "claim" | "release" | "withdraw" }
  | { do: "note"; note: string }
  | { do: "escalate"; to: string | null }
  | { do: "overturn"; why: string }
  | { do: "answer"; answer: Schemas["ModeratorAnswer"]; note: string | null };

type Written = Schemas["ActAnswer"];

function send(warning: string, version: number, act: Act): Promise<Written> {
  return once<Written>([warning, version, act], ({ header }) => {
    const params = { header, path: { warning } };
    switch (act.do) {
      case "claim":
        return answered(api.POST("/v1/warnings/{warning}/claim", { params, body: { version } }));
      case "release":
        return answered(api.POST("/v1/warnings/{warning}/release", { params, body: { version } }));
      case "withdraw":
        return answered(api.POST("/v1/warnings/{warning}/withdraw", { params, body: { version } }));
      case "note":
        return answered(api.POST("/v1/warnings/{warning}/note", { params, body: { version, note: act.note } }));
      case "escalate":
        return answered(api.POST("/v1/warnings/{warning}/escalate", { params, body: { version, to: act.to } }));
      case "overturn":
        return answered(api.POST("/v1/warnings/{warning}/overturn", { params, body: { why: act.why } }));
      case "answer": {
        const body = { answer: act.answer, note: act.note, warnings: [{ id: warning, version }] };
        return answered(api.POST("/v1/answers", { params: { header }, body }));
      }
    }
  });
}

export interface ActSent {
  warning: string;
  version: number;
  act: Act;
}

/** Acts on a warning as it was seen. */
export function useAct(onDone: (sent: ActSent, written: Written) => void) {
  const client = useQueryClient();
  return useMutation<Written, Error, ActSent>({
    mutationFn: ({ warning, version, act }) => send(warning, version, act),
    onSuccess: (written, sent) => onDone(sent, written),
    onSettled: (_, __, { warning }) => void client.invalidateQueries({ queryKey: ["warning", warning] }),
  });
}

/** Stops, suspends or lifts; the answer says where to follow it. */
export function useEnforce() {
  const client = useQueryClient();
  return useMutation<Schemas["EnforcementAnswer"], Error, { channel: string; body: Schemas["EnforcementAsked"] }>({
    mutationFn: ({ channel, body }) =>
      once([channel, body], ({ header }) =>
        answered(api.POST("/v1/channels/{channel}/enforcements", { params: { header, path: { channel } }, body })),
      ),
    onSettled: () => void client.invalidateQueries({ queryKey: ["warning"] }),
  });
}

/** Lets a held enforcement go ahead, or calls one off. */
export function useSettle() {
  const client = useQueryClient();
  return useMutation<unknown, Error, { enforcement: string; how: "admit" | "cancel" }>({
    mutationFn: ({ enforcement, how }) =>
      once<unknown>([enforcement, how], ({ header }) => {
        const params = { header, path: { enforcement } };
        return how === "admit"
          ? answered(api.POST("/v1/enforcements/{enforcement}/admit", { params }))
          : answered(api.POST("/v1/enforcements/{enforcement}/cancel", { params }));
      }),
    onSettled: () => void client.invalidateQueries({ queryKey: ["enforcement"] }),
  });
}

/** Whether the refusal says that the warning is not what it was. */
export function isChanged(error: unknown): boolean {
  return error instanceof Refused && error.code === "changed_since";
}

/**
 * Milliseconds for which this person can take their answer back; 0 if not at all. What followed from it and was tried is
 * not taken back but lifted.
 */
export function undoLeft(row: Pick<WarningRow, "answer" | "enforcement">, me: string, now: number): number {
  if (row.answer?.by !== me) return 0;
  const stage = row.enforcement?.stage;
  const untried =
    stage === undefined ||
    stage === "requested" ||
    stage === "admitted" ||
    (typeof stage === "object" && "held" in stage);
  return untried ? Math.max(0, Date.parse(row.answer.until) - now) : 0;
}

/** What upholding would have done, as the rule proposed it. */
export function follows(row: Pick<WarningRow, "action" | "approval" | "enforcement">): "stop" | "suspend" | null {
  if (row.action === "warn" || row.approval !== "person" || row.enforcement) return null;
  return row.action;
}
