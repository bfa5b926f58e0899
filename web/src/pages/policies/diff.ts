// What differs between two texts, line by line.

export interface Line {
  kind: "same" | "gone" | "new";
  text: string;
  /** Its number in the text before, from 1; none for a new one. */
  before?: number;
  /** Its number in the text after; none for one that is gone. */
  after?: number;
}

/** More pairs of lines than this are not compared: everything between the common ends counts as changed. */
const PAIRS_MAX = 4_000_000;

export function diff(before: string, after: string): Line[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const lines: Line[] = [];
  const same = (i: number, j: number) => lines.push({ kind: "same", text: a[i] ?? "", before: i + 1, after: j + 1 });
  const gone = (i: number) => lines.push({ kind: "gone", text: a[i] ?? "", before: i + 1 });
  const fresh = (j: number) => lines.push({ kind: "new", text: b[j] ?? "", after: j + 1 });
  for (let i = 0; i < start; i++) same(i, i);
  const [n, m] = [a.length - start - end, b.length - start - end];
  if (n * m > PAIRS_MAX) {
    for (let i = 0; i < n; i++) gone(start + i);
    for (let j = 0; j < m; j++) fresh(start + j);
  } else {
    // The longest common run of lines, from the end: `common[i][j]` is its length from line i and line j on.
    const width = m + 1;
    const common = new Uint32Array((n + 1) * width);
    const at = (i: number, j: number) => common[i * width + j] ?? 0;
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        common[i * width + j] =
          a[start + i] === b[start + j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      }
    }
    let [i, j] = [0, 0];
    while (i < n || j < m) {
      if (i < n && j < m && a[start + i] === b[start + j]) same(start + i++, start + j++);
      else if (i < n && (j === m || at(i + 1, j) >= at(i, j + 1))) gone(start + i++);
      else fresh(start + j++);
    }
  }
  for (let k = 0; k < end; k++) same(a.length - end + k, b.length - end + k);
  return lines;
}

function linesOf(text: string): string[] {
  const lines = text.replace(/\r\n/g, "\n").split("\n");
  if (lines.at(-1) === "") lines.pop(); // the newline at the end ends a line, and begins none
  return lines;
}

export interface Hunk {
  /** Lines left out just before it, because nothing changes near them. */
  skipped: number;
  lines: Line[];
}

/** The changed lines with so many around them. Nothing changed: none. */
export function hunks(lines: readonly Line[], around = 3): Hunk[] {
  const near = lines.map(() => false);
  lines.forEach((line, at) => {
    if (line.kind === "same") return;
    for (let i = Math.max(0, at - around); i <= Math.min(lines.length - 1, at + around); i++) near[i] = true;
  });
  const found: Hunk[] = [];
  let skipped = 0;
  let open: Hunk | null = null;
  lines.forEach((line, at) => {
    if (!near[at]) {
      skipped++;
      open = null;
      return;
    }
    if (!open) {
      open = { skipped, lines: [] };
      skipped = 0;
      found.push(open);
    }
    open.lines.push(line);
  });
  return found;
}
