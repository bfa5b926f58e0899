import { describe, expect, it } from "vitest";
import { kappa, type Label, type Model, permille, rate, reason, threshold, warned } from "./figures";

const RATE = { count: 56, of: 60, permille: 933, low_permille: 840, high_permille: 974 };

function label(name: string, warnings: number, said: Label["threshold"]): Label {
  return { label: name, frames: 9, warnings, upheld: RATE, asked_from: 80, by_score: [], threshold: said };
}

describe("the arena's figures", () => {
  it("says a share with what it is of and between which it lies, and none of nothing", () => {
    expect(rate(RATE)).toBe("93.3\u00a0% of 60 (84.0 to 97.4)");
    expect(rate({ count: 0, of: 0, permille: null, low_permille: 0, high_permille: 1000 })).toBe("none answered");
    expect(permille(7)).toBe("0.7\u00a0%");
  });

  it("says why there is no threshold, or what one would cost", () => {
    const said = (of: Label["threshold"]) => threshold(label("Nudity", 3, of), 900);
    expect(said({ said: "nothing_asked" })).toBe("nobody was asked");
    expect(said({ said: "too_few", answers: 4, needed: 35 })).toContain("4 answers are too few; 35");
    expect(said({ said: "not_reached", best: 95, upheld: RATE })).toContain("no threshold certainly reaches 90.0");
    const from = { said: "from", threshold: 85, upheld: RATE, upheld_below: 2, dismissed_below: 7 } as const;
    expect(said({ ...from, uneven: false })).toBe("from 85 %: lets 2 upheld pass, spares 7 dismissed");
    expect(said({ ...from, uneven: true })).toContain("do not rely on it");
  });

  it("shows labels that raised warnings, those with the most first", () => {
    const labels = [
      label("A", 0, { said: "nothing_asked" }),
      label("B", 2, { said: "nothing_asked" }),
      label("C", 5, { said: "nothing_asked" }),
    ];
    const model = { provider: "hive", model: "v3", labels } as unknown as Model;
    expect(warned([model]).map((row) => row.label.label)).toEqual(["C", "B"]);
  });

  it("says agreement beyond chance with its bounds, and nothing where it is not told", () => {
    expect(kappa({ milli: 400, low_milli: -120, high_milli: 610 })).toBe("0.40 (-0.12 to 0.61)");
    expect(kappa(null)).toBe("–");
    expect(reason("seconded")).toContain("stop");
  });
});
