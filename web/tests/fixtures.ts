// What tests begin with: a house of their own, and people who are signed in to its pages.

import { type Browser, test as base, expect, type Page } from "@playwright/test";
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

/** The case that is open. */
export function theCase(page: Page) {
  return page.locator("article.case");
}
