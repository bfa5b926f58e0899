// Measurements, apart from the tests: they print figures and assert none.
import base from "../playwright.config";

export default { ...base, testDir: ".", testMatch: "*.bench.ts", timeout: 600_000, outputDir: "../test-results/bench" };
