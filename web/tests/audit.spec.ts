// Months later somebody asks why: found, explained, gone back to, handed on by its address.

import { expect, test } from "./fixtures";

test("a decision is found, explained, and its address leads to it again", async ({ house, person }) => {
  await house.warn("studio/one");
  await house.warn("studio/two");
  const page = await person("au-1", "auditor");
  await page.goto(`${house.url}/audit?type=FrameAssessed&verdict=warn,stop&channel=studio/two`);
  const rows = page.locator("main").getByRole("link", { name: /^decision/ });
  await expect(rows).toHaveCount(1);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/decisions\/[0-9a-f]{32}/);
  await expect(page.getByRole("heading", { name: "Why" })).toBeVisible();
  await expect(page.locator("main")).toContainText("review-band");
  await expect(page.locator("main")).toContainText(/threshold 20/);
  const link = page.url();
  const again = await person("au-2", "auditor");
  await again.goto(link);
  await expect(again.locator("main")).toContainText("studio/two");
});

test("a channel is shown as it was at any of its events", async ({ house, person }) => {
  await house.warn("studio/one");
  const page = await person("au-1", "auditor");
  await page.goto(`${house.url}/audit/channels/studio%2Fone?at=1`);
  const state = page.locator("main");
  await expect(state).toContainText("How the channel stood");
  await expect(state).not.toContainText("stop-when-upheld");
  const raised = (await house.ask("GET", "/v1/channels/studio%2Fone/events?type=WarningRaised")) as {
    items: { sequence: number }[];
  };
  const last = raised.items.at(-1)?.sequence ?? 0;
  for (let n = 1; n < last; n++) await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(new RegExp(`at=${last}(&|$)`));
  await expect(state).toContainText("stop-when-upheld");
  await page.keyboard.press("ArrowLeft");
  await expect(page).toHaveURL(new RegExp(`at=${last - 1}(&|$)`));
});
