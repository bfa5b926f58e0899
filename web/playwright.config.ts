import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// Debian's browser: the machine has no other, and none is fetched.
const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // Each test has a server of its own, on a port of its own. Two cores: one browser and one server at a time.
  workers: 1,
  fullyParallel: false,
  retries: 0, // a flake is a failure
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  forbidOnly: true,
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath,
      // The tests need no network, and Chromium's own errands would be refused one by one.
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
