// Two people, one warning: it is answered once, and the other is told.

import { expect, test, theCase } from "./fixtures";

test("a claim is seen by the other, who cannot answer meanwhile", async ({ house, person }) => {
  const [one, two] = [await person("mo-1", "moderator"), await person("mo-2", "moderator")];
  await house.warn("studio/one");
  const graver = (await house.warnings()).items.find((it) => it.rule === "stop-when-upheld");
  for (const page of [one, two]) await page.goto(`${house.url}/queue/${graver?.warning}`);
  await expect(theCase(two).getByText("nobody has it")).toBeVisible();
  await expect(theCase(one).getByText("nobody has it")).toBeVisible();
  await one.waitForTimeout(700);
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
  await one.waitForTimeout(700);
  await Promise.all([one.keyboard.press("d"), two.keyboard.press("u")]);
  await expect.poll(async () => (await house.events("WarningUpheld,WarningDismissed")).items.length).toBe(1);
  const [answer] = (await house.events("WarningUpheld,WarningDismissed")).items;
  const loser = answer?.actor === "moderator mo-1" ? two : one;
  await loser.goto(`${house.url}/queue/${milder?.warning}`);
  await expect(theCase(loser)).toContainText(/(upheld|dismissed) by mo-/);
  expect((await house.events("WarningUpheld,WarningDismissed")).items).toHaveLength(1);
});

test("what changed on the screen just now is not acted on by a key that was meant for before", async ({
  house,
  person,
}) => {
  const page = await person("mo-1", "moderator");
  await house.warn("studio/one");
  const milder = (await house.warnings()).items.find((it) => it.rule === "review-band");
  await page.goto(`${house.url}/queue/${milder?.warning}`);
  await expect(theCase(page)).toContainText("review-band");
  await page.waitForTimeout(700);
  const other = house.token("mo-2", "moderator");
  await house.ask(
    "POST",
    `/v1/warnings/${milder?.warning}/note`,
    { version: milder?.version, note: "I know this one." },
    other,
  );
  await expect(theCase(page).getByText("Changed since you looked.")).toBeVisible();
  await page.getByRole("button", { name: "I have seen it" }).click();
  await expect(theCase(page).getByText("Changed since you looked.")).toBeHidden();
  await expect(theCase(page).getByText("I know this one.")).toBeVisible();
});
