import { expect, test } from "vitest";
import type { RecordedEvent } from "../../words/events";
import { runs } from "./runs";

const events = (types: string): RecordedEvent[] =>
  [...types].map((type, sequence) => ({ type: type === "s" ? "FrameSkipped" : type, sequence }) as RecordedEvent);

test.each([
  ["", ""],
  ["a", "a"],
  ["ss", "s s"],
  ["sss", "3"],
  ["ssssasbsss", "4 a s b 3"],
])("%s reads as %s", (types, read) => {
  const said = runs(events(types)).map((run) =>
    run.kind === "skips" ? run.events.length : run.event.type === "FrameSkipped" ? "s" : run.event.type,
  );
  expect(said.join(" ")).toBe(read);
});
