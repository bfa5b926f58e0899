// A whole shift without a mouse: from the first warning to a verified stop and an empty queue.

import { expect, isRead, test, theCase } from "./fixtures";

test("a shift by keyboard, from the first warning to a verified stop", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  await house.warn("studio/one");

  await page.keyboard.press("g");
  await page.keyboard.press("q");
  // The graver of the two warnings is opened first.
  await expect(theCase(page)).toContainText("stop-when-upheld");
  await expect(theCase(page)).toContainText("studio/one");
  const first = await theCase(page).getAttribute("data-warning");

  await page.keyboard.press("c");
  await expect(theCase(page).getByText("yours")).toBeVisible();

  // The picture is veiled until it is asked for, and each look is recorded under the moderator's name.
  const picture = theCase(page).locator(".picture").first();
  await expect(picture).toHaveAttribute("data-revealed", "false");
  expect((await house.events("EvidenceRead")).items).toHaveLength(0);
  await page.keyboard.down("r");
  await expect(picture).toHaveAttribute("data-revealed", "true");
  await page.keyboard.up("r");
  await expect(picture).toHaveAttribute("data-revealed", "false");
  const looks = (await house.events("EvidenceRead")).items;
  expect(looks.map((look) => look.actor)).toEqual(["moderator mo-1"]);

  // Why, and what would have changed it, is on the page.
  await expect(theCase(page).getByLabel("Why")).toContainText("Preliminary Nudity");

  await page.keyboard.press("n");
  await page.getByLabel("Your words").fill("Sepia coffee, close up. u d z are letters here.");
  await page.keyboard.press("Control+Enter");
  await expect(theCase(page).getByText("Sepia coffee, close up.")).toBeVisible();

  // Upholding stops the broadcast, so it asks, with the channel's name.
  await page.keyboard.press("u");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("studio/one");
  await expect(dialog.getByRole("button", { name: /^Stop: studio\/one/ })).toBeEnabled();
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();

  // The next warning is opened by itself; it is dismissed, taken back, and dismissed again.
  await expect(theCase(page)).toContainText("review-band");
  const second = await theCase(page).getAttribute("data-warning");
  expect(second).not.toBe(first);
  await expect(page.locator(`[data-warning="${second}"]`).first()).toBeVisible();
  await pressUntil(page, "d", async () => (await house.events("WarningDismissed")).items.length === 1);
  // Nothing else is open: what was answered last can be taken back from the empty queue.
  await expect(page.getByRole("button", { name: /^Take back/ }).first()).toBeVisible();
  await page.keyboard.press("z");
  await expect.poll(async () => (await house.events("WarningAnswerWithdrawn")).items.length).toBe(1);
  await expect(theCase(page)).toHaveAttribute("data-warning", second ?? "");
  await expect(theCase(page).getByText("nobody has it")).toBeVisible();
  await pressUntil(page, "d", async () => (await house.events("WarningDismissed")).items.length === 2);

  // The stop is followed to its end.
  await page.goto(`${house.url}/queue/${first}`);
  await expect(theCase(page).locator(".progress")).toHaveAttribute("data-stage", "verified");
  const verified = (await house.events("EnforcementVerified")).items;
  expect(verified).toHaveLength(1);
  await expect(page.locator("header.top")).toContainText("no open warnings");
});

test("? shows every key, and keys are off while somebody writes", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  await house.warn("studio/one");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toContainText("Uphold: it is what the rule says");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.keyboard.press("/");
  await page.keyboard.type("studio g q d u");
  await expect(page.getByRole("heading", { name: "Wall" })).toBeVisible();
  await expect(page.getByRole("searchbox")).toHaveValue("studio g q d u");
  expect((await house.events("WarningUpheld,WarningDismissed")).items).toHaveLength(0);
});

/** Presses once what is shown has been there long enough to be read; again where it changed at that moment. */
async function pressUntil(
  page: import("@playwright/test").Page,
  key: string,
  done: () => Promise<boolean>,
): Promise<void> {
  await expect(async () => {
    if (await done()) return;
    await isRead(page);
    await page.keyboard.press(key);
    await expect.poll(done, { timeout: 3_000 }).toBe(true);
  }).toPass();
}
