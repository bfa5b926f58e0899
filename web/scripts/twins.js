// Writes `.br` and `.gz` beside every file of dist/ that shrinks, so that the server compresses nothing while it runs;
// and says what a first visit costs.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const SCRIPT_BYTES_MAX = 300_000; // of the first load, compressed: what we promise

const dist = new URL("../dist/", import.meta.url).pathname;
const entry = readFileSync(join(dist, "index.html"), "utf8");
let first = 0;
for (const file of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!file.isFile() || /\.(br|gz)$/.test(file.name)) continue;
  const path = join(file.parentPath, file.name);
  const bytes = readFileSync(path);
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const gz = gzipSync(bytes, { level: 9 });
  if (br.length < bytes.length) writeFileSync(`${path}.br`, br);
  if (gz.length < bytes.length) writeFileSync(`${path}.gz`, gz);
  const isFirst = file.name.endsWith(".js") && entry.includes(file.name);
  if (isFirst) first += gz.length;
  console.log(
    `${file.name}: ${bytes.length} bytes, gzip ${gz.length}, brotli ${br.length}${isFirst ? " (first load)" : ""}`,
  );
}
console.log(`script of the first load, gzip: ${first} of at most ${SCRIPT_BYTES_MAX} bytes`);
if (first > SCRIPT_BYTES_MAX) {
  console.error("the first load has become too heavy");
  process.exit(1);
}
