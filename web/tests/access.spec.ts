// WCAG 2.2 AA, as far as a program can tell, on every page, in both themes, wide and on a phone.

import AxeBuilder from "@axe-core/playwright";
import { expect, isRead, test } from "./fixtures";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

test("what opens over a page, and the editor, is accessible", async ({ house, person }) => {
  test.setTimeout(120_000);
  const page = await person("ad-1", "admin");
  await house.warn("studio/one");
  const found: string[] = [];
  // Only what has opened, and without a page of its own for the frames that there are none of: it takes seconds each.
  const look = async (what: string, part: string) => {
    const { violations } = await new AxeBuilder({ page }).include(part).withTags(TAGS).setLegacyMode(true).analyze();
    for (const { id, nodes } of violations) {
      found.push(`${what}: ${id}: ${nodes.map((node) => node.html).slice(0, 3)}`);
    }
  };
  for (const [scheme, dialogs] of [
    ["dark", { "?": "the keys", s: "stopping", n: "a note" }],
    ["light", { u: "upholding", x: "suspending", e: "handing on" }],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.goto(`${house.url}/queue`);
    for (const [key, what] of Object.entries(dialogs)) {
      await isRead(page);
      await page.keyboard.press(key);
      await expect(page.getByRole("dialog")).toBeVisible();
      await look(`${scheme} ${what}`, "[role=dialog]");
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toBeHidden();
    }
  }
  await page.goto(`${house.url}/policies/studio`);
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("textbox", { name: "The policy's text" }).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("policy: studio\nchannels: nobody\n");
  await expect(page.getByRole("list", { name: "What was found in the text" })).toContainText("line");
  await look("the editor with mistakes", "main");
  expect(found).toEqual([]);
});

test("every page is accessible, wide in the dark and on a phone in the light", async ({ house, person }) => {
  test.setTimeout(180_000);
  const page = await person("ad-1", "admin");
  await house.warn("studio/one");
  const frame = (await house.events("WarningRaised")).items[0]?.payload.frame;
  const pages = [
    "/wall",
    "/wall?only=ended",
    "/queue",
    "/channels/studio%2Fone",
    "/audit",
    `/decisions/${frame}`,
    "/policies",
    "/policies/studio",
    "/overview",
    "/arena",
    "/settings",
  ];
  const found: string[] = [];
  // Each page wide in the dark and narrow in the light: what a theme and a width may break, both are seen once.
  for (const [scheme, width, height] of [
    ["dark", 1280, 800],
    ["light", 390, 844],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    for (const path of pages) {
      await page.goto(`${house.url}${path}`);
      await expect(page.locator("main h1, main h2").first()).toBeVisible();
      await expect(page.locator("main")).not.toContainText("Asking for");
      const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
      for (const { id, nodes } of violations) {
        const where = nodes.map((node) => node.html).slice(0, 3);
        found.push(`${scheme} ${width} ${path}: ${id}: ${where.join(" | ")}`);
      }
      // No page is wider than its window.
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (over > 1) found.push(`${scheme} ${width} ${path}: ${over} px wider than the window`);
    }
  }
  expect(found).toEqual([]);
});
