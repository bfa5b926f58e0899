// An event as the journal has it, for those who want nothing left out.

import { useState } from "react";
import type { RecordedEvent } from "../../words/events";

export function RawEvent({ event, open: initially = false }: { event: RecordedEvent; open?: boolean }) {
  const [open, setOpen] = useState(initially);
  return (
    <details open={open} onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
      <summary>
        {event.type} as it was recorded, position <span className="number">{event.position}</span>
      </summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <pre className="audit-raw" tabIndex={0}>
          {JSON.stringify(event, null, 2)}
        </pre>
      )}
    </details>
  );
}
