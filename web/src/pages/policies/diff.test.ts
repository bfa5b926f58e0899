import { expect, test } from "vitest";
import { diff, hunks } from "./diff";

const read = (before: string, after: string) =>
  diff(before, after)
    .map(({ kind, text }) => `${kind === "same" ? "=" : kind === "gone" ? "-" : "+"}${text}`)
    .join(" ");

test.each([
  ["", "", ""],
  ["a\nb\n", "a\nb\n", "=a =b"],
  ["a\nb", "a\nb\n", "=a =b"],
  ["a\nb\nc\n", "a\nx\nc\n", "=a -b +x =c"],
  ["a\nb\n", "b\n", "-a =b"],
  ["b\n", "a\nb\nc\n", "+a =b +c"],
  ["a\nb\nc\nd\n", "b\nd\ne\n", "-a =b -c =d +e"],
  ["a\n", "", "-a"],
])("%j to %j reads %s", (before, after, text) => expect(read(before, after)).toBe(text));

test("what was and what is can be put together again from the lines", () => {
  const random = (seed: number) => {
    let state = seed;
    return () => {
      state = (state * 48_271) % 2_147_483_647;
      return state;
    };
  };
  for (let seed = 1; seed < 60; seed++) {
    const next = random(seed);
    const text = () => Array.from({ length: next() % 20 }, () => "abcd"[next() % 4]);
    const [before, after] = [text(), text()];
    const lines = diff(before.join("\n"), after.join("\n"));
    expect(lines.filter((line) => line.kind !== "new").map((line) => line.text)).toEqual(before);
    expect(lines.filter((line) => line.kind !== "gone").map((line) => line.text)).toEqual(after);
  }
});

test("lines far from a change are left out, and counted", () => {
  const before = Array.from({ length: 20 }, (_, at) => `line ${at}`);
  const after = before.with(10, "other");
  const [hunk, ...rest] = hunks(diff(before.join("\n"), after.join("\n")), 2);
  expect(rest).toEqual([]);
  expect(hunk?.skipped).toBe(8);
  expect(hunk?.lines.length).toBe(6);
  expect(hunks(diff("a", "a"))).toEqual([]);
});
