// One decision. The client's answer types lose that a label is a pair; the description's own type says it.

import { answered, api, type Schemas } from "./client";

export type Decision = Schemas["Decision"];

export function decisionOf(frame: string): Promise<Decision> {
  return answered(api.GET("/v1/decisions/{frame}", { params: { path: { frame } } })) as Promise<Decision>;
}
