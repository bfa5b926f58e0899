// What the pages of policies ask the server. The client's types lose some pairs on the way; the description's say them.

import { answered, api, type Schemas } from "../../api/client";

export type OnePolicy = Schemas["OnePolicy"];
export type OneVersion = Schemas["OneVersion"];
export type Outline = Schemas["Outline"];
export type Checked = Schemas["Checked"];
export type Mistake = Schemas["Mistake"];
export type DryRun = Schemas["DryRun"];

export const policyKey = (policy: string) => ["policy", policy] as const;

export function policyOf(policy: string): Promise<OnePolicy> {
  return answered(api.GET("/v1/policies/{policy}", { params: { path: { policy } } })) as Promise<OnePolicy>;
}

export function versionOf(policy: string, version: number): Promise<OneVersion> {
  return answered(
    api.GET("/v1/policies/{policy}/versions/{version}", { params: { path: { policy, version } } }),
  ) as Promise<OneVersion>;
}

export function check(text: string): Promise<Checked> {
  return answered(api.POST("/v1/policies/check", { body: { text } as never })) as Promise<Checked>;
}

export function tryOut(text: string, hours: number): Promise<DryRun> {
  return answered(api.POST("/v1/policies/dry-run", { body: { text, hours } as never })) as Promise<DryRun>;
}

/** `expected` is the version that the author began with; left out where the text holds more than one policy. */
export function publish(text: string, why: string, expected?: number): Promise<Schemas["Published2"]> {
  return answered(
    api.POST("/v1/policies", {
      body: { text, why, ...(expected !== undefined && { expected_version: expected }) } as never,
    }),
  ) as Promise<Schemas["Published2"]>;
}

export function shadow(text: string, why: string): Promise<Schemas["Shadowed"]> {
  return answered(api.POST("/v1/policies/shadow", { body: { text, why } as never })) as Promise<Schemas["Shadowed"]>;
}

export function unshadow(policy: string, why: string): Promise<unknown> {
  return answered(api.POST("/v1/policies/{policy}/unshadow", { params: { path: { policy } }, body: { why } }));
}

export function retire(policy: string, why: string): Promise<unknown> {
  return answered(api.POST("/v1/policies/{policy}/retire", { params: { path: { policy } }, body: { why } }));
}

export type Taxonomy = Schemas["Taxonomy"];

/** The labels that providers know, for completion. */
export async function taxonomies(): Promise<readonly Taxonomy[]> {
  return (await answered(api.GET("/v1/taxonomies"))).items as readonly Taxonomy[];
}

/** What the server found in a text that it refused. */
export function mistakesIn(body: Record<string, unknown>): Mistake[] {
  return Array.isArray(body.mistakes) ? (body.mistakes as Mistake[]) : [];
}
