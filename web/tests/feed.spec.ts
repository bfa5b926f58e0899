// The live feed breaks: the pages say so at once, never look as if all were quiet, and go on by themselves.

import { expect, test } from "./fixtures";

test("a break is said at once, and what happened meanwhile is there afterwards", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  await house.goLive("studio/one");
  await expect(page.locator('article[data-id="studio/one"]')).toBeVisible();
  await expect(page.locator("header.top")).toContainText("no open warnings");

  await house.kill();
  const banner = page.locator(".lost-banner");
  await expect(banner).toContainText("does not mean that all is quiet");
  await expect(page.locator('header.top .badge[data-tone="calm"]')).toHaveCount(0);
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await expect(page.getByText("No warning was open when the feed was last heard.")).toBeVisible();

  await house.start();
  await house.warn("studio/two");
  await expect(banner).toBeHidden({ timeout: 30_000 });
  await expect(page.locator(".queue-row")).toHaveCount(2);
  await expect(page.locator("header.top")).toContainText("2 open");
});

test("a server that cannot be asked is no empty page", async ({ house, person }) => {
  const page = await person("au-1", "auditor");
  await page.route("**/v1/events?*", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: '{"code":"unavailable","detail":"not now","status":503}',
    }),
  );
  await page.goto(`${house.url}/audit`);
  await expect(page.getByRole("alert")).toContainText("not now");
});
