// Which rules are shown first, and which thresholds a label is held against.

import type { Schemas } from "../../api/client";

type Rule = Schemas["RuleView"];

const REACHED: Record<Rule["reached"], number> = { met: 0, hit: 1, partial: 2, missed: 3 };

/** The rules that decided first, then how far each came; those that no label hit apart, the nearest first. */
export function whyOrder(judgement: Pick<Schemas["Judgement"], "rules" | "decided_by">): {
  touched: Rule[];
  untouched: Rule[];
} {
  const decides = (rule: Rule) => (judgement.decided_by.includes(rule.rule) ? 0 : 1);
  const over = (rule: Rule) => rule.best?.margin ?? Number.NEGATIVE_INFINITY;
  const sorted = [...judgement.rules].sort(
    (a, b) =>
      decides(a) - decides(b) ||
      REACHED[a.reached] - REACHED[b.reached] ||
      b.severity - a.severity ||
      (over(a) === over(b) ? 0 : over(b) - over(a)),
  );
  return {
    touched: sorted.filter((rule) => rule.reached !== "missed"),
    untouched: sorted.filter((rule) => rule.reached === "missed"),
  };
}

/** As the server's categories: `*` is every label, a path is itself and all below it. */
export function watches(category: string, path: string): boolean {
  return category === "*" || path === category || path.startsWith(`${category}/`);
}

type Label = Pick<Schemas["LabelView"], "path" | "counts_as">;

/**
 * The lowest threshold that each rule asks of this label, lowest first. A label in other words than the policy's counts
 * as what it stands for; a rule with a taxonomy of its own reads labels of that one only, as they are.
 */
export function thresholdsOf(
  { path, counts_as }: Label,
  answered: string,
  rules: readonly Rule[],
): { rule: string; at: number }[] {
  const held = (rule: Rule, category: string) => {
    if (category === "*" || rule.taxonomy || !counts_as) return watches(category, path);
    return counts_as.some((counterpart) => watches(category, counterpart));
  };
  return rules
    .filter((rule) => !rule.taxonomy || rule.taxonomy === answered)
    .filter((rule) => rule.categories.some((category) => held(rule, category)))
    .map((rule) => ({ rule: rule.rule, at: rule.threshold }))
    .sort((a, b) => a.at - b.at);
}
