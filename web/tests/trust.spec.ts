// Somebody who knows a channel better than its past does says so: with a reason, and for a time.

import { expect, test } from "./fixtures";
import { CLEAR, POLICY } from "./house";

const HOUR_MS = 3_600_000;

test("a reputation is set with a reason and an end, seen where the channel is, and let go again", async ({
  house,
  person,
}) => {
  await house.warn("studio/one");
  const page = await person("au-1", "policy_author");
  await page.goto(`${house.url}/channels/studio%2Fone`);
  await page.getByRole("button", { name: /^Set the reputation/ }).click();
  const dialog = page.getByRole("dialog");
  const send = dialog.getByRole("button", { name: /^Set it/ });
  const value = dialog.getByLabel("Value, 0 to 1");
  await dialog.getByLabel(/^Why/).fill("Known for years.");
  await value.fill("1.5");
  await expect(value).toHaveAttribute("aria-invalid", "true");
  await expect(send).toBeDisabled();
  await value.fill("0.9");
  await dialog.getByLabel(/^Why/).fill(" ");
  await expect(send).toBeDisabled(); // nobody sets it without saying why
  await dialog.getByLabel(/^Why/).fill("Known for years.");
  await dialog.getByLabel("It ends").selectOption("in an hour");
  const asked = Date.now();
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();

  const [set, ...others] = (await house.events("ReputationAdjusted")).items;
  expect(others).toEqual([]);
  expect(set?.actor).toBe("moderator au-1");
  expect(set?.payload.change).toEqual({ pin: 0.9 });
  const lasts = Date.parse(String(set?.payload.until)) - asked;
  expect(lasts).toBeGreaterThan(HOUR_MS - 5_000);
  expect(lasts).toBeLessThan(HOUR_MS + 15_000);
  const past = page.getByRole("region", { name: "How it was watched" });
  await expect(past).toContainText(/Pinned at 0\.90 by au-1 until .*: “Known for years\.”/);
  await expect(past).toContainText("0.90");

  await page.getByRole("button", { name: /^Set the reputation/ }).click();
  await dialog.getByLabel("Let go what was set").check();
  await expect(value).toHaveCount(0);
  await dialog.getByLabel(/^Why/).fill("It was sold.");
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();
  await expect(past).not.toContainText("until");
  expect((await house.events("ReputationAdjusted")).items.map((it) => it.payload.change)).toEqual([
    { pin: 0.9 },
    "release",
  ]);
});

test("who may not write policies is not offered to set a reputation", async ({ house, person }) => {
  await house.warn("studio/one");
  const page = await person("mo-1", "moderator");
  await page.goto(`${house.url}/channels/studio%2Fone`);
  await expect(page.getByRole("region", { name: "How it was watched" })).toContainText("Coverage");
  await expect(page.getByRole("button", { name: /^Set the reputation/ })).toHaveCount(0);
});

test("a policy is retired with a reason, and its channels are watched by nobody", async ({ house, person }) => {
  const page = await person("au-1", "policy_author");
  await page.goto(`${house.url}/policies/studio`);
  await page.getByRole("button", { name: /^Retire…/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Take studio@1 out of force?");
  await expect(dialog.getByRole("button", { name: /^Retire studio/ })).toBeDisabled();
  await dialog.getByLabel(/^Why/).fill("The studio closed.");
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("not in force")).toBeVisible();
  await expect(page.locator("main")).toContainText("“The studio closed.”");
  await expect(page.getByRole("button", { name: /^Retire/ })).toHaveCount(0);
  const retired = (await house.events("PolicyRetired")).items;
  expect(retired.map((it) => it.actor)).toEqual(["moderator au-1"]);
  await house.goLive("studio/one");
  await house.show("studio/one", CLEAR);
  const [skipped] = (await house.events("FrameSkipped")).items;
  expect(skipped?.payload.because).toBe("no_policy");
});

test("a shadow is started, judges beside the live policy, and is ended", async ({ house, person }) => {
  const page = await person("au-1", "policy_author");
  await page.goto(`${house.url}/policies/studio`);
  await page.getByRole("button", { name: "Edit" }).click();
  const editor = page.getByRole("textbox", { name: "The policy's text" });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(
    POLICY.replace("version: 1", "version: 2").replace("confidence: 20", "confidence: 10"),
  );
  await page.getByRole("button", { name: /^Run in shadow/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Run studio in shadow?");
  await dialog.getByLabel(/^Why/).fill("Is the band too narrow?");
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("in shadow @2")).toBeVisible();
  await expect(page.getByText("in force @1")).toBeVisible();
  await house.warn("studio/one");
  const verdicts = (await house.events("ShadowVerdict")).items;
  expect(verdicts.length).toBeGreaterThan(0);
  expect((await house.events("WarningRaised")).items.map((it) => it.payload.policy)).toEqual(
    expect.arrayContaining([{ id: "studio", version: 1 }]),
  );

  await page.getByRole("button", { name: /^End the shadow/ }).click();
  await expect(dialog).toContainText("End the shadow of studio@2?");
  await dialog.getByLabel(/^Why/).fill("It was.");
  await page.keyboard.press("Control+Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("in shadow @2")).toHaveCount(0);
  await expect(page.getByText("in force @1")).toBeVisible();
  expect((await house.events("PolicyShadowed,PolicyUnshadowed")).items.map((it) => [it.type, it.actor])).toEqual([
    ["PolicyShadowed", "moderator au-1"],
    ["PolicyUnshadowed", "moderator au-1"],
  ]);
  expect((await house.events("PolicyPublished")).items).toHaveLength(1);
});
