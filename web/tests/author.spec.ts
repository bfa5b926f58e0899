// A policy from its first mistake to being in force: written, checked as it is typed, tried on the past, published with a
// reason; and lost to nobody who was faster.

import { expect, test } from "./fixtures";
import { POLICY } from "./house";

test("a policy is written, tried and published", async ({ house, person }) => {
  await house.warn("studio/one");
  const page = await person("au-1", "policy_author");
  await page.goto(`${house.url}/policies/studio`);
  await page.getByRole("button", { name: "Edit" }).click();
  const editor = page.getByRole("textbox", { name: "The policy's text" });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(
    POLICY.replace("version: 1", "version: 2").replace("confidence: 20", "confidence: 200"),
  );
  const found = page.getByRole("list", { name: "What was found in the text" });
  await expect(found).toContainText("line 12");
  await expect(page.getByRole("button", { name: /^Publish/ })).toBeDisabled();

  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(
    POLICY.replace("version: 1", "version: 2").replace("confidence: 20", "confidence: 60"),
  );
  await expect(page.getByRole("button", { name: /^Publish/ })).toBeEnabled();
  await page.getByRole("button", { name: /^Try on the past/ }).click();
  await expect(page.getByRole("region", { name: "On the past" })).toContainText("2 answers of 1 channel");

  // What was written is still there after the page was loaded anew.
  await page.reload();
  await expect(editor).toContainText("confidence: 60");
  await page.getByRole("button", { name: /^Publish/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Put studio in force?");
  await expect(dialog).toContainText("confidence: 60");
  await dialog.getByRole("textbox").fill("The band was too wide.");
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();
  const published = (await house.events("PolicyPublished")).items;
  expect(published.map((event) => event.actor)).toEqual(["moderator admin", "moderator au-1"]);
  await expect(page.getByRole("region", { name: "Versions" })).toContainText("au-1");
});

test("who may not write policies is not offered to", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  await page.goto(`${house.url}/policies/studio`);
  await expect(page.getByRole("region", { name: "Versions" })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Edit|next version|Retire/ })).toHaveCount(0);
});
