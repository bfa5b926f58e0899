import { expect, test } from "vitest";
import { exportOf, filterOf, instantOf, localOf, searchOf, wantedOf } from "./search";

const wanted = (search: string) => wantedOf(new URLSearchParams(search));

test("without anything said, decisions about frames are meant", () => {
  expect(filterOf(wanted(""))).toEqual({ type: "FrameAssessed,FrameFailed,FrameConflict" });
  expect(filterOf(wanted("kind=everything"))).toEqual({});
});

test("the address says all of it and nothing empty", () => {
  const search = "kind=warnings&verdict=warn%2Cstop&channel=live%2F*&from=2026-01-02T03%3A04&basis=captured";
  expect(searchOf(wanted(search)).toString()).toBe(search);
  expect(searchOf(wanted("channel=+&basis=recorded")).toString()).toBe("");
});

test("a time is held against when it was recorded, or captured if that is said", () => {
  const at = instantOf("2026-01-02T03:04");
  expect(filterOf(wanted("kind=everything&from=2026-01-02T03:04"))).toEqual({ recorded_from: at });
  expect(filterOf(wanted("kind=everything&to=2026-01-02T03:04&basis=captured"))).toEqual({ captured_to: at });
  expect(filterOf(wanted("kind=everything&from=soon"))).toEqual({});
});

test("a moment survives the way to the field and back", () => {
  const at = "2026-07-02T03:04:05.000Z";
  expect(instantOf(localOf(at))).toBe(at);
});

test("an export asks for the same", () => {
  expect(exportOf(wanted("kind=everything&channel=a*"), "csv")).toBe("/v1/events?format=csv&channel=a*");
  expect(exportOf(wanted("kind=everything&channel=a/b&rule=r"), "csv")).toBe(
    "/v1/channels/a%2Fb/events?format=csv&rule=r",
  );
});
