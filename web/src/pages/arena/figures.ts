// The figures of the arena in words. A share always stands with what it is of and between which it lies.

import type { Schemas } from "../../api/client";

export type Arena = Schemas["Arena"];
export type Model = Schemas["ModelFigures"];
export type Label = Schemas["LabelFigures"];
export type Rate = Schemas["RateWithBounds"];
export type Agreement = Schemas["Agreement"];

/** Thousandths as percent: `93.3 %`. */
export function permille(value: number): string {
  return `${(value / 10).toFixed(1)}\u00a0%`;
}

/** `93.3 % of 60 (84.0 to 97.4)`; of nothing: `none answered`. */
export function rate({ permille: share, of, low_permille, high_permille }: Rate): string {
  if (share == null) return "none answered";
  return `${permille(share)} of ${of.toLocaleString("en")} (${(low_permille / 10).toFixed(1)} to ${(high_permille / 10).toFixed(1)})`;
}

/** What is said of a threshold for the wanted rate. */
export function threshold(label: Label, wanted: number): string {
  const said = label.threshold;
  switch (said.said) {
    case "nothing_asked":
      return "nobody was asked";
    case "too_few":
      return `${said.answers} answers are too few; ${said.needed} that all upheld would do`;
    case "not_reached":
      return `no threshold certainly reaches ${permille(wanted)}; the best is ${said.best} %`;
    case "from":
      return `from ${said.threshold} %: lets ${said.upheld_below} upheld pass, spares ${said.dismissed_below} dismissed${
        said.uneven ? "; higher scores were upheld less often, do not rely on it" : ""
      }`;
  }
}

/** Labels that raised warnings, those with the most first. */
export function warned(models: readonly Model[]): { model: Model; label: Label }[] {
  return models
    .flatMap((model) => model.labels.filter((label) => label.warnings > 0).map((label) => ({ model, label })))
    .sort((a, b) => b.label.warnings - a.label.warnings || (a.label.label < b.label.label ? -1 : 1));
}

const REASONS: Record<Schemas["BothAsked"], string> = {
  compared: "compared",
  compared_behind_a_screen: "compared, behind a screen",
  past_the_screen: "past the screen",
  sampled: "sampled behind the screen",
  seconded: "asked whether it agrees with a stop",
};

export function reason(because: Schemas["BothAsked"]): string {
  return REASONS[because];
}

/** `0.40 (0.12 to 0.61)`. */
export function kappa(of: Schemas["Kappa"] | null | undefined): string {
  if (of == null) return "–";
  const milli = (value: number) => (value / 1000).toFixed(2);
  return `${milli(of.milli)} (${milli(of.low_milli)} to ${milli(of.high_milli)})`;
}
