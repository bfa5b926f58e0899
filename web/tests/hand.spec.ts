// The list moves while a hand is on its way: what is pressed is what was pointed at.

import { expect, isRead, test, theCase } from "./fixtures";

test("a graver warning that arrives does not slip under the pointer", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  for (const channel of ["studio/one", "studio/two"]) await house.warn(channel);
  await page.goto(`${house.url}/queue`);
  const rows = page.locator(".queue-row");
  await expect(rows).toHaveCount(4);
  const target = rows.nth(2);
  const wanted = await target.getAttribute("data-warning");
  const box = await target.boundingBox();
  if (!box) throw new Error("the row is not on the page");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await house.warn("studio/three"); // its graver warning belongs above
  await expect(page.getByRole("button", { name: /2 new/ })).toBeVisible();
  await page.mouse.down();
  await page.mouse.up();
  await expect(theCase(page)).toHaveAttribute("data-warning", wanted ?? "");
  await page.keyboard.press(".");
  await expect(rows).toHaveCount(6);
  await expect(theCase(page)).toHaveAttribute("data-warning", wanted ?? "");
});

test("a stop that was begun for one broadcast does not reach the next", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  const session = await house.warn("studio/one");
  await page.goto(`${house.url}/queue`);
  await expect(theCase(page)).toContainText("studio/one");
  await isRead(page);
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Why/).fill("A test of the hand.");
  await expect(dialog.getByRole("button", { name: /^Stop: studio\/one/ })).toBeEnabled();
  await house.endLive("studio/one", session);
  await house.goLive("studio/one", "the-next-one");
  await expect(dialog.getByRole("alert")).toContainText("another one is on the air, which nobody judged");
  await expect(dialog.getByRole("button", { name: /^Stop: studio\/one/ })).toBeDisabled();
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  expect((await house.events("EnforcementRequested")).items).toHaveLength(0);
});

test("upholding after the broadcast is over is recorded, and stops nothing", async ({ house, person }) => {
  const page = await person("mo-1", "moderator");
  const session = await house.warn("studio/one");
  await house.endLive("studio/one", session);
  await house.goLive("studio/one", "the-next-one");
  await page.goto(`${house.url}/queue`);
  await expect(theCase(page)).toContainText("stop-when-upheld");
  await isRead(page);
  await page.keyboard.press("s");
  await expect(page.getByRole("dialog")).toContainText("another broadcast than the one warned of");
  await page.keyboard.press("Escape");
  await page.keyboard.press("u");
  await expect(page.getByRole("dialog")).toContainText("Upholding is recorded, and stops nothing.");
  await page.keyboard.press("Control+Enter");
  await expect.poll(async () => (await house.events("WarningUpheld")).items.length).toBe(1);
  expect((await house.events("EnforcementAttempted")).items).toHaveLength(0);
});
