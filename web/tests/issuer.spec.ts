// People come in by way of their organisation's own sign-in.

import type { Browser, Page } from "@playwright/test";
import { test as base, expect, pagesFromDist } from "./fixtures";
import { House } from "./house";
import { Issuer } from "./issuer";

/** A house whose people are known at an issuer. */
const test = base.extend<{ known: House }>({
  // biome-ignore lint/correctness/noEmptyPattern: the shape that fixtures have
  known: async ({}, use) => {
    const issuer = await Issuer.open({ ada: ["moderators"], eve: ["gardeners"] });
    const house = await House.open({ issuer: issuer.url });
    await use(house);
    await house.close();
    issuer.close();
  },
});

/** Somebody's browser at the door; a link of the house brought them. */
async function atTheDoor(browser: Browser, house: House, path: string): Promise<Page> {
  const context = await browser.newContext();
  await pagesFromDist(context, house);
  const page = await context.newPage();
  await page.goto(`${house.url}${path}`);
  return page;
}

async function signsInAs(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Sign in with your organisation" }).click();
  await expect(page.getByRole("heading", { name: "Stand-in issuer of a test" })).toBeVisible();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Go on" }).click();
}

test("a person known at the organisation comes in where they were going, and goes out", async ({ known, browser }) => {
  await known.warn("studio/one");
  const page = await atTheDoor(browser, known, "/channels/studio%2Fone");
  await signsInAs(page, "ada");
  await expect(page).toHaveURL(/\/channels\/studio%2Fone/);
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  // What the issuer gave is in a cookie that no script reads, and nowhere in the address.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  expect(page.url()).not.toContain("code=");

  // They act under a pseudonym, as a moderator may.
  await page.goto(`${known.url}/queue`);
  await page.getByRole("button", { name: /^Claim/ }).click();
  await expect(page.locator("article.case").getByText("yours")).toBeVisible();
  const [claimed] = (await known.events("WarningClaimed")).items;
  expect(claimed?.actor).toMatch(/^moderator /);
  expect(claimed?.actor).not.toContain("ada");

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in with your organisation" })).toBeVisible();
  await page.goto(`${known.url}/queue`);
  await expect(page.getByRole("link", { name: "Sign in with your organisation" })).toBeVisible();
  await page.context().close();
});

test("who is known and in no group of ours is told so", async ({ known, browser }) => {
  const page = await atTheDoor(browser, known, "/wall");
  await signsInAs(page, "eve");
  await expect(page.getByRole("alert")).toContainText("nothing is granted here");
  await expect(page.getByRole("navigation", { name: "Pages" })).toHaveCount(0);
  await page.context().close();
});

test("an answer that is brought a second time opens nothing", async ({ known, browser }) => {
  const page = await atTheDoor(browser, known, "/wall");
  const answers: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/v1/session/oidc/callback")) answers.push(request.url());
  });
  await signsInAs(page, "ada");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  const thief = await atTheDoor(browser, known, answers[0]?.slice(known.url.length) ?? "");
  await expect(thief.getByRole("alert")).toBeVisible();
  await expect(thief.getByRole("navigation", { name: "Pages" })).toHaveCount(0);
  await thief.context().close();
  await page.context().close();
});
