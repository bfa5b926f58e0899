// Who may come in, and what is offered to whom.

import { expect, signedIn, test, theCase } from "./fixtures";

test("a token opens the door, no script can read it, and signing out closes it", async ({ house, person, page }) => {
  await page.goto(`${house.url}/queue`);
  await page.getByLabel("Token").fill("not-a-token");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("opens nothing here");

  const inside = await person("mo-1", "moderator");
  expect(await inside.evaluate(() => document.cookie)).toBe("");
  const [cookie] = await inside.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
  await inside.reload();
  await expect(inside.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await inside.getByRole("button", { name: "Sign out" }).click();
  await expect(inside.getByLabel("Token")).toBeVisible();
  await inside.goto(`${house.url}/queue`);
  await expect(inside.getByLabel("Token")).toBeVisible();
});

test("what a role may not do is not offered", async ({ house, person }) => {
  await house.warn("studio/one");
  const viewer = await person("vi-1", "viewer");
  await viewer.goto(`${house.url}/queue`);
  await expect(theCase(viewer)).toContainText("stop-when-upheld");
  for (const name of [/^Claim/, /^Uphold/, /^Dismiss/, /^Stop/])
    await expect(viewer.getByRole("button", { name })).toHaveCount(0);
  await expect(theCase(viewer)).toContainText("Your role sees no pictures");
  for (const key of ["c", "u", "d", "s", "x"]) await viewer.keyboard.press(key);
  await expect(viewer.getByRole("dialog")).toHaveCount(0);
  expect((await house.events("WarningClaimed,WarningUpheld,WarningDismissed,EnforcementRequested")).items).toHaveLength(
    0,
  );
});

test("a caller for some channels sees those and no others", async ({ house, person }) => {
  await house.warn("studio/one");
  await house.warn("studio/two");
  const page = await person("mo-2", "moderator", "studio/two");
  await expect(page.locator("article.tile")).toHaveCount(1);
  await page.goto(`${house.url}/queue`);
  await expect(page.locator(".queue-row")).toHaveCount(2);
  await expect(page.locator(".queue-list")).not.toContainText("studio/one");
});

test("a token that was taken back ends the session", async ({ house, browser }) => {
  const page = await signedIn(browser, house, house.token("mo-3", "moderator"));
  house.revoke("mo-3");
  // The tokens file is read again within a second.
  await expect(async () => {
    await page.reload();
    await expect(page.getByLabel("Token")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.context().close();
});
