// A list of events taken away whole, however many parts the server makes of it.

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

/** Makes the server's parts so small that there are several. */
async function inSmallParts(page: Page, breaksAt?: number): Promise<() => number> {
  let parts = 0;
  await page.route(/\/events\?.*format=/, (route) => {
    parts++;
    if (parts === breaksAt) return route.abort("connectionreset");
    return route.continue({
      url: route
        .request()
        .url()
        .replace(/span=\d+/, "span=5"),
    });
  });
  return () => parts;
}

async function taken(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("everything that a search finds is exported as one file, and each part is recorded", async ({ house, person }) => {
  for (const channel of ["studio/one", "studio/two"]) await house.warn(channel);
  const page = await person("au-1", "auditor");
  const parts = await inSmallParts(page);
  await page.goto(`${house.url}/audit?kind=everything`);
  const head = (await house.events("WarningRaised")).items.length;
  expect(head).toBe(4);
  const { name, text } = await taken(page, () => page.getByRole("button", { name: "Export as NDJSON" }).click());
  expect(name).toBe("streamwarden-events.ndjson");
  const positions = text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { position: number }).position);
  expect(positions).toEqual(positions.map((_, at) => at + 1));
  expect(parts()).toBeGreaterThan(3);
  const made = (await house.events("ExportMade")).items;
  expect(made).toHaveLength(parts());
  expect(new Set(made.map((it) => it.actor))).toEqual(new Set(["moderator au-1"]));
  await expect(page.getByRole("button", { name: "Export as NDJSON" })).toBeEnabled();
});

test("an export of a channel that breaks off goes on where it was, under one row of names", async ({
  house,
  person,
}) => {
  for (const channel of ["studio/one", "studio/two"]) await house.warn(channel);
  const page = await person("au-1", "auditor");
  await inSmallParts(page, 2);
  await page.goto(`${house.url}/channels/studio%2Fone`);
  await page.getByRole("button", { name: "Export as CSV" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "It broke off" })).toBeVisible();
  const { name, text } = await taken(page, () => page.getByRole("button", { name: "Go on" }).click());
  expect(name).toBe("studio-one.csv");
  const [names, ...rows] = text.trim().split("\n");
  expect(names).toMatch(/^position,recorded_at,captured_at,scope,sequence,/);
  const sequences = rows.map((row) => Number(row.split(",")[4]));
  expect(sequences.length).toBeGreaterThan(5);
  expect(sequences).toEqual(sequences.map((_, at) => at + 1));
  expect(new Set(rows.map((row) => row.split(",")[3]))).toEqual(new Set(["studio/one"]));
});

test("who may not export is not offered to", async ({ house, person }) => {
  await house.warn("studio/one");
  const page = await person("mo-1", "viewer");
  await page.goto(`${house.url}/channels/studio%2Fone`);
  await expect(page.getByRole("region", { name: "What happened" })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Export/ })).toHaveCount(0);
});
