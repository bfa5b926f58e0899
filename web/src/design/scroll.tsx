// What is wider than the page scrolls by itself, and can be reached and scrolled by keys.

import type { ReactNode } from "react";

export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="scroll-x" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
