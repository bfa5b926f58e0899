// The figures: what a rule's warnings were answered, step by step, and what somebody for some channels is told.

import { expect, test } from "./fixtures";

test("each rule's upheld rate is drawn by the hour, with the numbers behind it", async ({ house, person }) => {
  await house.warn("studio/one");
  const { items } = await house.warnings();
  for (const { warning, version, rule } of items) {
    const answer = rule === "review-band" ? "dismiss" : "uphold";
    await house.ask("POST", "/v1/answers", { answer, warnings: [{ id: warning, version }] });
  }
  const page = await person("mo-1", "moderator");
  await page.goto(`${house.url}/overview`);
  const rates = page.getByRole("region", { name: "Upheld rate of each rule, by the hour" });
  const one = rates.getByRole("figure", { name: "stop-when-upheld" });
  await expect(one).toContainText(/100\s% of 1 answered/);
  await expect(rates.getByRole("figure", { name: "review-band" })).toContainText(/0\s% of 1 answered/);
  await one.getByText("The numbers").click();
  await expect(one.getByRole("row")).toHaveCount(2);
  await expect(one.getByRole("row").nth(1)).toContainText(/1\s*1\s*1\s*100\s% of 1/);
  await page.getByRole("button", { name: "7 d" }).click();
  await expect(page.getByRole("region", { name: "Upheld rate of each rule, by the day" })).toBeVisible();
});

test("somebody for some channels is told of those, and of nothing that is counted for all", async ({
  house,
  person,
}) => {
  await house.warn("studio/one");
  await house.warn("studio/two");
  const page = await person("mo-2", "moderator", "studio/two");
  await page.goto(`${house.url}/overview`);
  const main = page.locator("main");
  await expect(main).toContainText("Of the channels that you may see.");
  await expect(main.getByRole("heading", { name: "Warnings raised" })).toBeVisible();
  await expect(main.locator(".overview-head", { hasText: "Open warnings" })).toContainText("2");
  await expect(main.getByRole("heading", { name: /^Frames|^Unwatched|^Who judged/ })).toHaveCount(0);
});
