import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Keys } from "../keys/keys";
import { fullMoment } from "../words/time";
import { Picture } from "./picture";

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function absentWith(status: number, body: object): Promise<(words: string) => Promise<unknown>> {
  const answer = new Response(JSON.stringify(body), { status });
  vi.stubGlobal("fetch", vi.fn().mockResolvedValue(answer));
  const page = render(
    <Keys>
      <Picture frame="f1" label="Frame 1" />
    </Keys>,
  );
  fireEvent.error(page.getByAltText("Frame 1, veiled"));
  return (words) => page.findByText(words);
}

test("a picture that was erased says when, in place of an image that does not come", async () => {
  const at = "2026-03-01T12:00:00Z";
  const shows = await absentWith(410, { code: "gone", because: "erased", erased_at: at });
  expect(await shows(`The picture was erased on ${fullMoment(at)}.`)).toBeTruthy();
});

test("one that was never kept is not said to be erased", async () => {
  const shows = await absentWith(404, { code: "not_found" });
  expect(await shows("No picture is kept of this frame")).toBeTruthy();
});
