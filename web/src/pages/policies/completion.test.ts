import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KEYS, VALUES, wantedAt } from "./completion";

const schema = JSON.parse(readFileSync("../schemas/policy.schema.json", "utf8"));

test("keys and values are those of the schema", () => {
  const of = (name: string) => Object.keys(schema.$defs[name].properties);
  expect(KEYS).toEqual({
    policy: Object.keys(schema.properties),
    channels: of("Matching"),
    sampling: of("Sampling"),
    judged_by: of("Cascade"),
    compare_with: of("CompareWith"),
    reputation: of("Reputation"),
    similarity: of("SimilarityLimits"),
    sound: of("Listening"),
    clips: of("Listening"),
    rules: of("Rule"),
  });
  const listed = (name: string) =>
    schema.$defs[name].enum ?? schema.$defs[name].oneOf.map((one: { const: string }) => one.const);
  expect(VALUES).toEqual({
    action: listed("Action"),
    approval: listed("Approval"),
    on_unavailable: listed("OnUnavailable"),
    taxonomy: schema.properties.taxonomy.enum,
  });
});

const HEAD = "policy: a\ntaxonomy: local-nudity/1\n";

test.each([
  ["a new line is a key of the policy", "pol", { what: "key", options: KEYS.policy, typed: "pol" }],
  ["below a part are its keys", `${HEAD}sampling:\n  ev`, { what: "key", options: KEYS.sampling, typed: "ev" }],
  ["within braces too", `${HEAD}sampling: { every: 1s, tol`, { what: "key", options: KEYS.sampling, typed: "tol" }],
  ["a rule begins with a key of rules", `${HEAD}rules:\n  - i`, { what: "key", options: KEYS.rules, typed: "i" }],
  ["and goes on with one", `${HEAD}rules:\n  - id: r\n    conf`, { what: "key", options: KEYS.rules, typed: "conf" }],
  [
    "past another rule too",
    `${HEAD}rules:\n  - id: r\n    severity: 3\n  - id: s\n    sev`,
    { what: "key", options: KEYS.rules, typed: "sev" },
  ],
  [
    "a closed list of values",
    `${HEAD}rules:\n  - id: r\n    action: st`,
    { what: "value", options: VALUES.action, typed: "st" },
  ],
  [
    "categories in brackets",
    `${HEAD}rules:\n  - id: r\n    categories: [Violence, Vio`,
    { what: "category", taxonomy: "local-nudity/1", typed: "Vio" },
  ],
  [
    "categories with spaces and slashes",
    `${HEAD}rules:\n  - id: r\n    categories: ["Graphic Violence/We`,
    { what: "category", taxonomy: "local-nudity/1", typed: "Graphic Violence/We" },
  ],
  [
    "categories one below the other",
    `${HEAD}rules:\n  - id: r\n    categories:\n      - Violence\n      - Nu`,
    { what: "category", taxonomy: "local-nudity/1", typed: "Nu" },
  ],
  [
    "the taxonomy is that of the document",
    `${HEAD}---\npolicy: b\nrules:\n  - categories: [a`,
    { what: "category", taxonomy: null, typed: "a" },
  ],
  [
    "unless the rule has one of its own",
    `${HEAD}rules:\n  - id: r\n    taxonomy: hive-visual/1\n    categories: [a`,
    { what: "category", taxonomy: "hive-visual/1", typed: "a" },
  ],
  [
    "within braces too",
    `${HEAD}rules:\n  - { id: r, taxonomy: hive-visual/1, categories: [a`,
    { what: "category", taxonomy: "hive-visual/1", typed: "a" },
  ],
  [
    "which is not that of the rule before it",
    `${HEAD}rules:\n  - id: r\n    taxonomy: hive-visual/1\n  - id: s\n    categories:\n      - Violence\n      - a`,
    { what: "category", taxonomy: "local-nudity/1", typed: "a" },
  ],
  ["nothing in a comment", "# pol", null],
  ["nothing for a free value", `${HEAD}title: st`, null],
])("%s", (_, before, wanted) => expect(wantedAt(before)).toEqual(wanted));
