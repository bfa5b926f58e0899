// The pictures in the documents, taken of the demo as it runs: `npm run pictures`.
import base from "../playwright.config";

export default {
  ...base,
  testDir: ".",
  testMatch: "*.shot.ts",
  timeout: 300_000,
  outputDir: "../test-results/pictures",
};
