// What tests begin with: a house of their own, and people who are signed in to its pages.

import { join, resolve } from "node:path";
import { type Browser, type BrowserContext, test as base, expect, type Page } from "@playwright/test";
import { House, type Role } from "./house";

interface Fixtures {
  house: House;
  /** A page on which a person of that role is signed in. */
  person: (name: string, role: Role, channels?: string) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: how Playwright names what a fixture needs
  house: async ({}, use) => {
    const house = await House.open();
    await use(house);
    await house.close();
  },
  context: async ({ context, house }, use) => {
    await pagesFromDist(context, house);
    await use(context);
  },
  person: async ({ browser, house }, use) => {
    const pages: Page[] = [];
    await use(async (name, role, channels) => {
      const page = await signedIn(browser, house, house.token(name, role, channels));
      pages.push(page);
      return page;
    });
    for (const page of pages) await page.context().close();
  },
});

export { expect };

export async function signedIn(browser: Browser, house: House, token: string): Promise<Page> {
  const context = await browser.newContext({
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 800 },
  });
  await pagesFromDist(context, house);
  await house.taken(token);
  const page = await context.newPage();
  // Whatever the pages' policy refuses, and whatever breaks, is a failure of the test.
  page.on("pageerror", (error) => {
    throw error;
  });
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text()))
      throw new Error(message.text());
  });
  await page.goto(house.url);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await expect(page.locator(".shell")).toHaveAttribute("data-link", "live");
  return page;
}

/**
 * With PAGES=dist the pages are those that Vite built last, under the headers of the program's: for working on them
 * without building the program anew. The tests proper take what is in the program.
 */
export async function pagesFromDist(context: BrowserContext, house: { url: string }): Promise<void> {
  if (process.env.PAGES !== "dist") return;
  const dist = resolve(import.meta.dirname, "../dist");
  await context.route(
    (url) => url.origin === house.url && !/^\/(v1|docs|openapi)/.test(url.pathname),
    async (route) => {
      const asset = join(dist, new URL(route.request().url()).pathname);
      if (asset.includes("/assets/")) return route.fulfill({ path: asset });
      return route.fulfill({
        response: await route.fetch({ url: `${house.url}/wall` }),
        path: join(dist, "index.html"),
      });
    },
  );
}

/** Waits until what the case shows was there long enough to be read: before, no key decides it. */
export async function isRead(page: Page): Promise<void> {
  await expect(theCase(page)).toHaveAttribute("data-fresh", "false");
}

/** The case that is open. */
export function theCase(page: Page) {
  return page.locator("article.case");
}
