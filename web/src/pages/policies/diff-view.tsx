// Two texts beside each other's lines, with a sign at every line that is not in both.

import { diff, hunks } from "./diff";

const SIGNS = { same: " ", gone: "−", new: "+" } as const;
const SAID = { same: "", gone: "gone: ", new: "new: " } as const;

export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const found = hunks(diff(before, after));
  if (found.length === 0) return <p className="muted">The texts are the same.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="policy-diff" aria-label={label} tabIndex={0}>
      {found.map((hunk) => (
        <ol key={`${hunk.lines[0]?.before} ${hunk.lines[0]?.after}`}>
          {hunk.skipped > 0 && <li className="policy-diff-skipped">{hunk.skipped} lines as before</li>}
          {hunk.lines.map((line) => (
            <li key={`${line.before} ${line.after}`} data-kind={line.kind}>
              <span className="policy-diff-number" aria-hidden="true">
                {line.after ?? line.before}
              </span>
              <span aria-hidden="true">{SIGNS[line.kind]}</span>
              <code>
                {SAID[line.kind] && <span className="unseen">{SAID[line.kind]}</span>}
                {line.text}
              </code>
            </li>
          ))}
        </ol>
      ))}
    </section>
  );
}
