// What could stand where the cursor is in a policy's text. Knows the text before the cursor and nothing of the editor.

/** The keys of each part, as schemas/policy.schema.json names them; a test compares them. */
export const KEYS = {
  policy: [
    "policy",
    "version",
    "title",
    "channels",
    "priority",
    "taxonomy",
    "sampling",
    "judged_by",
    "second_opinion",
    "compare_with",
    "reputation",
    "similarity",
    "on_unavailable",
    "automatic_stops",
    "sound",
    "clips",
    "rules",
  ],
  channels: ["matching"],
  sampling: ["every", "tolerance", "time_to_stop", "reassess_after", "max_age"],
  judged_by: ["first", "then", "from", "sample"],
  compare_with: ["provider", "share"],
  reputation: ["trust_after", "half_life", "near_miss", "closely_for"],
  similarity: ["hash_distance", "luma_delta"],
  sound: ["every", "judged_by"],
  clips: ["every", "judged_by"],
  rules: [
    "id",
    "taxonomy",
    "categories",
    "confidence",
    "score",
    "from_severity",
    "window",
    "action",
    "approval",
    "severity",
    "cooldown",
  ],
} as const;

type Part = keyof typeof KEYS;

export const VALUES: Record<string, readonly string[]> = {
  action: ["warn", "stop", "suspend"],
  approval: ["none", "person"],
  on_unavailable: ["record", "warn", "page"],
  taxonomy: ["rekognition/7.0", "rekognition/6.1", "local-nudity/1", "hive-visual/1", "hive-speech/1"],
};

export type Wanted =
  | { what: "key"; options: readonly string[]; typed: string }
  | { what: "value"; options: readonly string[]; typed: string }
  | { what: "category"; taxonomy: string | null; typed: string };

/** What is wanted at the end of `before`, which is all of the text before the cursor. */
export function wantedAt(before: string): Wanted | null {
  const lines = before.split("\n");
  const line = lines.at(-1) ?? "";
  if (/(^|\s)#/.test(line)) return null;
  const inline = /categories:\s*\[([^\]]*)$/.exec(line);
  if (inline) return { what: "category", taxonomy: taxonomyOf(before), typed: afterComma(inline[1] ?? "") };
  const item = /^(\s*)-\s+([^:{}[\]]*)$/.exec(line);
  if (item && /^\s*(-\s+)?categories:\s*$/.test(parentLine(lines, (item[1] ?? "").length, true) ?? ""))
    return { what: "category", taxonomy: taxonomyOf(before), typed: unquoted(item[2] ?? "") };
  const value = /(?:^|[\s{,])(\w+):\s+([\w./-]*)$/.exec(line);
  if (value) {
    const options = VALUES[value[1] ?? ""];
    return options ? { what: "value", options, typed: value[2] ?? "" } : null;
  }
  const flow = /(\w+):\s*\{(?:[^{}]*,)?\s*(\w*)$/.exec(line);
  if (flow) return keysOf(flow[1] ?? "", flow[2] ?? "");
  const block = /^(\s*(?:-\s+)?)(\w*)$/.exec(line);
  if (!block) return null;
  const indent = (block[1] ?? "").length;
  if (indent === 0) return { what: "key", options: KEYS.policy, typed: block[2] ?? "" };
  const parent = /^\s*(\w+):\s*$/.exec(parentLine(lines, (block[1] ?? "").search(/-|$/), false) ?? "");
  return parent ? keysOf(parent[1] ?? "", block[2] ?? "") : null;
}

function keysOf(part: string, typed: string): Wanted | null {
  return part in KEYS && part !== "policy" ? { what: "key", options: KEYS[part as Part], typed } : null;
}

/** The nearest line above that holds what the last one belongs to: `name:` with less indent, past list items of its own. */
function parentLine(lines: readonly string[], indent: number, ofItem: boolean): string | null {
  let within = indent;
  for (let at = lines.length - 2; at >= 0; at--) {
    const line = lines[at] ?? "";
    if (line.trim() === "" || /^\s*#/.test(line)) continue;
    const theirs = line.search(/\S/);
    if (ofItem && theirs === indent && /^\s*-\s/.test(line) && !/:\s*$/.test(line)) continue;
    // A list may stand at the indent of its own key.
    if (ofItem ? theirs <= indent && /:\s*$/.test(line) : theirs < within) {
      if (/^\s*-\s/.test(line) && !ofItem) {
        within = theirs;
        continue; // the first key of a list's item: the list's own key is above
      }
      return line;
    }
  }
  return null;
}

/** Of the rule that the cursor is in, else of the document, as far as it is said above. */
function taxonomyOf(before: string): string | null {
  const document = before.slice(before.lastIndexOf("\n---") + 1);
  const rules = document.search(/^rules:/m);
  const items = rules < 0 ? [] : document.slice(rules).split(/^\s*-\s+(?=\{|\w+:)/m);
  const own = items.length > 1 ? TAXONOMY_OF_RULE.exec(items.at(-1) ?? "")?.[1] : undefined;
  return own ?? /^taxonomy:\s*([^\s#]+)/m.exec(document)?.[1] ?? null;
}

const TAXONOMY_OF_RULE = /(?:^|[\s{,])taxonomy:\s*([^\s#,}]+)/;

function afterComma(text: string): string {
  return unquoted(text.slice(text.lastIndexOf(",") + 1).trimStart());
}

function unquoted(text: string): string {
  return text.replace(/^["']/, "");
}
