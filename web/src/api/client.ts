// How the pages ask the server: the client generated from the API description, and what a refusal looks like.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** The server's refusal, as it said it (RFC 9457), or that it could not be reached. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, code: string, detail: string, body: Record<string, unknown> = {}) {
    super(detail);
    this.name = "Refused";
    this.status = status;
    this.code = code;
    this.body = body;
  }

  /** Nothing came back at all. */
  static unreachable(why: unknown): Refused {
    return new Refused(0, "unreachable", `The server cannot be reached: ${why instanceof Error ? why.message : why}`);
  }

  static of(status: number, body: unknown): Refused {
    const problem = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
    const code = typeof problem.code === "string" ? problem.code : `http_${status}`;
    const detail = typeof problem.detail === "string" ? problem.detail : `The server answered ${status}.`;
    return new Refused(status, code, detail, problem);
  }
}

/** After which an act counts as unanswered: the person must be told, not kept waiting. Trials on the past take longer. */
const ACT_MS = 15_000;
const QUESTION_MS = 120_000;

export const api = createClient<paths>({
  baseUrl: "/",
  credentials: "same-origin",
  fetch: (request) => {
    const limit = request.method === "GET" || request.url.includes("dry-run") ? QUESTION_MS : ACT_MS;
    return fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(limit)]) });
  },
});

/** Called when the server no longer knows who we are. */
export const unauthenticated = new EventTarget();

api.use({
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && !schemaPath.startsWith("/v1/session")) {
      unauthenticated.dispatchEvent(new Event("unauthenticated"));
    }
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The answer's body, or the refusal thrown. */
export async function answered<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (why) {
    throw Refused.unreachable(why);
  }
  if (!answer.response.ok) throw Refused.of(answer.response.status, answer.error);
  return answer.data as T;
}

/** Says of an error what a person can use. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
