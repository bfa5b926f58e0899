import { expect, test } from "vitest";
import { Refused } from "../api/client";
import { fullMoment } from "../words/time";
import { goneWords } from "./gone";

const gone = (body: object) => Refused.of(410, { code: "gone", detail: "the picture of frame 1 is gone", ...body });

test("what was erased says when", () => {
  const at = "2026-03-01T12:00:00Z";
  expect(goneWords(gone({ because: "erased", erased_at: at }), "The picture")).toBe(
    `The picture was erased on ${fullMoment(at)}.`,
  );
  expect(goneWords(gone({ because: "erased" }), "The picture")).toBe("The picture was erased.");
});

test("what was kept long enough is told from it", () => {
  expect(goneWords(gone({ because: "expired" }), "What was said")).toBe(
    "What was said was deleted: the time for which it is kept is over.",
  );
});

test("what is missing for another reason is not said to be gone", () => {
  expect(goneWords(Refused.of(404, null), "The picture")).toBeNull();
  expect(goneWords(new Error("offline"), "The picture")).toBeNull();
});
