import { describe, expect, test } from "vitest";
import { BINDINGS, type Binding, collide } from "./bindings";

const all = Object.entries(BINDINGS) as [string, Binding][];

describe("keys", () => {
  test("no two keys that can be meant at once are the same", () => {
    const found = all.flatMap(([a, first], i) =>
      all.slice(i + 1).flatMap(([b, second]) => (collide(first, second) ? [`${a} and ${b}: ${first.keys}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test("a collision is found", () => {
    const u: Binding = { keys: "u", does: "", places: ["case"] };
    expect(collide(u, { keys: "u", does: "", places: ["everywhere"] })).toBe(true);
    expect(collide(u, { keys: "u", does: "", places: ["dialog"] })).toBe(false);
    expect(collide({ keys: "g", does: "", places: ["list"] }, { keys: "g w", does: "", places: ["everywhere"] })).toBe(
      true,
    );
  });

  test("a key that acts on a channel is never one that a reader presses to scroll or to write", () => {
    for (const [id, binding] of all.filter(([, binding]) => binding.places.includes("case"))) {
      expect([" ", "Tab", "PageDown", "PageUp", "Home", "End"], id).not.toContain(binding.keys);
      expect(binding.whileWriting, id).toBeUndefined();
    }
  });
});
