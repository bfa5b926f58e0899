// Starts the demo in a directory of its own and takes a picture of every page, light and dark, while its channels are on
// the air and after.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, type Page, test } from "@playwright/test";
import { pagesFromDist } from "../tests/fixtures";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const PROGRAM =
  process.env.STREAMWARDEN ?? join(process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, "target"), "debug/streamwarden");
const IMAGES = process.env.IMAGES ?? join(REPOSITORY, "docs/images");

test("the pages", async ({ browser }) => {
  const data = mkdtempSync(join(tmpdir(), "streamwarden-pictures-"));
  const demo = spawn(PROGRAM, ["demo", "--data", join(data, "journal"), "--listen", "127.0.0.1:0", "--quiet"], {
    cwd: REPOSITORY,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, CI: undefined },
  });
  process.once("exit", () => demo.kill("SIGKILL")); // also where a page did not come
  const url = await new Promise<string>((found) => {
    createInterface({ input: demo.stdout }).on("line", (line) => {
      const at = /(http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (at) found(at);
    });
  });
  const context = await browser.newContext({
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 800 },
  });
  await pagesFromDist(context, { url });
  const page = await context.newPage();
  const ask = async (path: string) =>
    (await (await fetch(`${url}${path}`)).json()) as { items: Record<string, string>[] };
  await expect.poll(async () => (await ask("/v1/warnings")).items.length, { timeout: 60_000 }).toBeGreaterThan(3);
  await page.goto(`${url}/wall`);
  await drawn(page);
  await take(page, "wall");
  const { items } = await ask("/v1/warnings");
  const coffee = items.find((it) => it.channel === "demo/borderline");
  await page.goto(`${url}/queue/${coffee?.warning}`);
  await drawn(page);
  await page.keyboard.press("c");
  await expect(page.locator("article.case").getByText("yours")).toBeVisible();
  await take(page, "case");
  const stopped = items.find((it) => it.rule === "weapons-stop") ?? items[0];
  const pages: [string, string][] = [
    [`/decisions/${coffee?.frame}`, "decision"],
    ["/channels/demo%2Fborderline", "channel"],
    ["/audit?type=FrameAssessed&verdict=warn,stop", "audit"],
    ["/audit/channels/demo%2Frehearsal-film?at=20", "time-travel"],
    ["/policies", "policies"],
    ["/policies/demo", "policy"],
    ["/overview", "overview"],
    ["/arena", "arena"],
    ["/settings", "settings"],
    [`/queue/${stopped?.warning}`, "stop"],
  ];
  for (const [path, name] of pages) {
    await page.goto(`${url}${path}`);
    await drawn(page);
    await take(page, name);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${url}/queue/${coffee?.warning}`);
  await drawn(page, "article.case h1"); // so narrow, the list and its heading make room for the case
  await take(page, "phone");
  await context.close();
  demo.kill("SIGINT");
  await new Promise((done) => demo.once("exit", done));
  rmSync(data, { recursive: true, force: true });
});

async function take(page: Page, name: string): Promise<void> {
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.screenshot({ path: join(IMAGES, `${name}-${scheme}.png`) });
  }
}

/** Waits until the page has what it asked for, and its pictures. */
async function drawn(page: Page, heading = "main h1"): Promise<void> {
  await expect(page.locator(".shell")).toHaveAttribute("data-link", "live");
  await expect(page.locator(heading).first()).toBeVisible();
  await expect(page.locator("main")).not.toContainText("Asking for");
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
}
