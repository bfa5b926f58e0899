// What a person set a channel's reputation to, with their reason.

import type { Schemas } from "../../api/client";
import { Moment } from "../../design/parts";
import { changeWords } from "../../words/events";

export function SetNote({ set }: { set: Schemas["SetBy"] }) {
  const did = changeWords(set.change);
  return (
    <p className="note" data-tone="warn">
      {did.charAt(0).toUpperCase() + did.slice(1)} by {set.by}
      {set.until ? (
        <>
          {" "}
          until <Moment at={set.until} />
        </>
      ) : (
        set.change !== "release" && ", until somebody changes it"
      )}
      {set.why ? `: “${set.why}”` : "."}
    </p>
  );
}
