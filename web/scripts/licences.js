// Writes the licences of everything that goes into the pages into dist/assets/licences.txt, which the program serves with
// them. A package without a licence text stops the build.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../", import.meta.url).pathname;
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
// Types only: nothing of them is in what is built.
const WITHOUT_CODE = /^(@types\/|csstype$|openapi-typescript-helpers$)/;

const parts = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === "" || entry.dev || entry.optional || entry.peer) continue;
  const name = path.replace(/^.*node_modules\//, "");
  const folder = join(root, path);
  if (WITHOUT_CODE.test(name) || !existsSync(folder)) continue;
  const file = readdirSync(folder).find((file) => /^(un)?licen[cs]e/i.test(file));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : null;
  if (text === null && !entry.license) throw new Error(`${name} has no licence`);
  parts.push(
    `${name} ${entry.version} (${entry.license})\n\n${text ?? "The package comes without the text of its licence."}\n`,
  );
}
writeFileSync(join(root, "dist/assets/licences.txt"), parts.join(`\n${"-".repeat(72)}\n\n`));
console.log(`licences of ${parts.length} packages`);
