import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { thresholdsOf, watches, whyOrder } from "./why-order";

const rule = (rule: string, change: Partial<Schemas["RuleView"]> = {}): Schemas["RuleView"] => ({
  rule,
  action: "warn",
  approval: "person",
  categories: ["Violence"],
  hits_needed: 1,
  otherwise: [],
  reached: "missed",
  severity: 3,
  text: "",
  threshold: 80,
  window: "1 of 1",
  ...change,
});

test("what decided comes first, then what came farthest, and what was not hit stands apart", () => {
  const rules = [
    rule("far", { best: { path: "a", confidence: 10, margin: -70_000 } }),
    rule("partial", { reached: "partial" }),
    rule("nothing"),
    rule("grave", { reached: "met", severity: 5 }),
    rule("decides", { reached: "met", severity: 2 }),
    rule("near", { best: { path: "a", confidence: 79, margin: -1_000 } }),
  ];
  const { touched, untouched } = whyOrder({ rules, decided_by: ["decides"] });
  expect(touched.map((rule) => rule.rule)).toEqual(["decides", "grave", "partial"]);
  expect(untouched.map((rule) => rule.rule)).toEqual(["near", "far", "nothing"]);
});

test.each([
  ["*", "Violence/Weapons", true],
  ["Violence", "Violence/Weapons", true],
  ["Violence/Weapons", "Violence/Weapons", true],
  ["Violence/Weapons", "Violence", false],
  ["Violence", "Violence Against Nobody", false],
])("the category %s watches %s: %s", (category, path, is) => expect(watches(category, path)).toBe(is));

test("a label is held against the thresholds of the rules that watch it", () => {
  const rules = [rule("high", { threshold: 90 }), rule("low"), rule("other", { categories: ["Nudity"] })];
  expect(thresholdsOf({ path: "Violence/Weapons", counts_as: null }, "rekognition/7.0", rules)).toEqual([
    { rule: "low", at: 80 },
    { rule: "high", at: 90 },
  ]);
});

test("a label in other words is held against the rules of what it counts as, and against those in its own words", () => {
  const rules = [
    rule("weapons", { categories: ["Violence/Weapons"], threshold: 90 }),
    rule("guns", { categories: ["violence/gun"], taxonomy: "hive-visual/1", threshold: 85 }),
    rule("anything", { categories: ["*"], threshold: 95 }),
    rule("others", { categories: ["*"], taxonomy: "local-nudity/1" }),
  ];
  const held = (path: string, counts_as: string[]) =>
    thresholdsOf({ path, counts_as }, "hive-visual/1", rules).map(({ rule }) => rule);
  expect(held("violence/gun/gun_in_hand", ["Violence/Weapons"])).toEqual(["guns", "weapons", "anything"]);
  expect(held("attributes/image_type/natural", [])).toEqual(["anything"]);
});
