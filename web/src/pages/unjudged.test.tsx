import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Live } from "../live/live";
import { type ChannelRow, LiveStore } from "../live/store";
import { UnjudgedBadges } from "./unjudged";

afterEach(cleanup);

const shown = (unjudged: ChannelRow["unjudged"]) => {
  const store = new LiveStore();
  return render(
    <Live store={store}>
      <UnjudgedBadges row={{ unjudged }} />
    </Live>,
  );
};

test("each medium that nobody judges is said in words, with a shape, since when and why", () => {
  const since = new Date(Date.now() - 600_000).toISOString();
  shown([
    { medium: "sound", since, because: "no_input" },
    { medium: "clip", since, because: "passed_over" },
  ]);
  const sound = screen.getByText(/^sound unjudged 10 min/);
  expect(sound.getAttribute("title")).toBe("Nobody judges its sound: the policy asks for it and none arrives.");
  expect(sound.querySelector("svg")).not.toBeNull();
  expect(screen.getByText(/^clip unjudged 10 min/).title).toMatch(/arrives too late/);
});

test("where all that is asked for is judged nothing is said", () => {
  expect(shown([]).container.textContent).toBe("");
});
