// Two people, one warning: it is answered once, and the other is told.

import { expect, isRead, test, theCase } from "./fixtures";

test("a claim is seen by the other, who cannot answer meanwhile", async ({ house, person }) => {
  const [one, two] = [await person("mo-1", "moderator"), await person("mo-2", "moderator")];
  await house.warn("studio/one");
  const graver = (await house.warnings()).items.find((it) => it.rule === "stop-when-upheld");
  for (const page of [one, two]) await page.goto(`${house.url}/queue/${graver?.warning}`);
  await expect(theCase(two).getByText("nobody has it")).toBeVisible();
  await expect(theCase(one).getByText("nobody has it")).toBeVisible();
  await isRead(one);
  await one.keyboard.press("c");
  await expect(theCase(one).getByText("yours")).toBeVisible();
  await expect(theCase(two).getByRole("button", { name: /mo-1 has it/ })).toBeDisabled();
  await expect(theCase(two).getByRole("button", { name: /^Dismiss/ })).toBeDisabled();
  await two.keyboard.press("d");
  await one.keyboard.press("Shift+C");
  await expect(theCase(two).getByText("nobody has it")).toBeVisible();
  expect((await house.events("WarningDismissed")).items).toHaveLength(0);
});

test("of two answers at the same time one counts, and the other is told what happened", async ({ house, person }) => {
  const [one, two] = [await person("mo-1", "moderator"), await person("mo-2", "moderator")];
  await house.warn("studio/one");
  const milder = (await house.warnings()).items.find((it) => it.rule === "review-band");
  for (const page of [one, two]) {
    await page.goto(`${house.url}/queue/${milder?.warning}`);
    await expect(theCase(page)).toContainText("review-band");
  }
  await isRead(one);
  await isRead(two);
  await Promise.all([one.keyboard.press("d"), two.keyboard.press("u")]);
  await expect.poll(async () => (await house.events("WarningUpheld,WarningDismissed")).items.length).toBe(1);
  const [answer] = (await house.events("WarningUpheld,WarningDismissed")).items;
  // Without a look elsewhere: the page of who was later says what became of it.
  const loser = answer?.actor === "moderator mo-1" ? two : one;
  await expect(loser.locator(".queue-row", { hasText: "review-band" })).toContainText(/(upheld|dismissed) by mo-/);
  expect((await house.events("WarningUpheld,WarningDismissed")).items).toHaveLength(1);
});

test("a key that was meant for what was there before does nothing", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  await house.warn("studio/one");
  const milder = (await house.warnings()).items.find((it) => it.rule === "review-band");
  await page.goto(`${house.url}/queue/${milder?.warning}`);
  await expect(theCase(page)).toContainText("review-band");
  await isRead(page);
  const other = house.token("mo-2", "moderator");
  const note = { version: milder?.version, note: "Do not dismiss this one." };
  await house.ask("POST", `/v1/warnings/${milder?.warning}/note`, note, other);
  await expect(theCase(page).getByText("Changed since you looked.")).toBeVisible();
  // At once, and after it was there long enough: neither has seen what was written.
  await page.keyboard.press("d");
  await expect(theCase(page).getByRole("alert").filter({ hasText: "Nothing was done" })).toBeVisible();
  await isRead(page);
  await page.keyboard.press("d");
  await expect(theCase(page).getByRole("alert").filter({ hasText: "press again if it still stands" })).toBeVisible();
  expect((await house.events("WarningDismissed")).items).toHaveLength(0);
  await page.keyboard.press("d");
  await expect.poll(async () => (await house.events("WarningDismissed")).items.length).toBe(1);
});

test("a key pressed twice decides one case, not the next as well", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  for (const channel of ["studio/one", "studio/two"]) await house.warn(channel);
  await page.goto(`${house.url}/queue`);
  await expect(theCase(page)).toBeVisible();
  await isRead(page);
  const first = (await theCase(page).getAttribute("data-warning")) ?? "";
  await page.keyboard.press("d");
  await expect(theCase(page)).not.toHaveAttribute("data-warning", first);
  await page.keyboard.press("d"); // at once, as of a finger that was not sure
  await expect.poll(async () => (await house.events("WarningDismissed")).items.length).toBe(1);
  await expect(theCase(page).getByRole("alert")).toContainText("Nothing was done");
});
