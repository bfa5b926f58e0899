// The wall beyond what is on the air: what ended lately, and who is trusted least.

import { expect, test } from "./fixtures";
import { POLICY } from "./house";

test("channels that ended lately are listed with when they ended, the latest first", async ({ house, person }) => {
  const sessions = new Map<string, string>();
  for (const channel of ["studio/one", "studio/two", "studio/three"])
    sessions.set(channel, await house.goLive(channel));
  const page = await person("mo-1", "moderator");
  for (const channel of ["studio/two", "studio/one"]) await house.endLive(channel, sessions.get(channel) ?? "");
  await page.getByRole("button", { name: "Ended lately" }).click();
  await expect(page).toHaveURL(/only=ended/);
  const tiles = page.locator("article.tile");
  await expect(tiles).toHaveCount(2);
  await expect(tiles.nth(0)).toContainText("studio/one");
  await expect(tiles.nth(1)).toContainText("studio/two");
  await expect(tiles.nth(0)).toContainText(/ended \d\d:\d\d:\d\d, \d+ s ago/);
  await page.getByRole("searchbox").fill("two");
  await expect(tiles).toHaveCount(1);
  await page.getByRole("searchbox").fill("");
  await page.reload(); // the address says it
  await expect(tiles).toHaveCount(2);
  await page.getByRole("button", { name: /^Now/ }).click();
  await expect(tiles).toHaveCount(1);
  await expect(tiles).toContainText("studio/three");
});

test("by risk the least trusted is first", async ({ house, person }) => {
  await house.publish(
    POLICY.replace("version: 1", "version: 2").replace("every: 1s, reassess_after: 20s", "every: 1s to 60s"),
  );
  for (const [channel, pin] of [
    ["studio/a", 0.9],
    ["studio/b", 0.1],
    ["studio/c", 0.5],
  ] as const) {
    await house.ask("PUT", `/v1/channels/${encodeURIComponent(channel)}/reputation`, {
      change: { pin },
      why: "for the order",
    });
    await house.goLive(channel);
  }
  const page = await person("mo-1", "moderator");
  const names = page.locator("article.tile h2");
  await expect(names).toHaveCount(3);
  await page.getByRole("combobox", { name: "In which order" }).selectOption("by risk");
  await expect(names).toHaveText(["studio/b", "studio/c", "studio/a"]);
  await expect(page).toHaveURL(/by=risk/);
});
