// The address of what is on the page, for somebody else.

import { Button } from "../../design/parts";
import { useSay } from "../../design/toasts";

export function CopyLink() {
  const say = useSay();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      say("calm", "The link is copied.");
    } catch {
      // Not over plain HTTP, and not where the browser forbids it: the address line has the same.
      say("warn", "The browser does not let the page copy; the address line has the same link.");
    }
  };
  return <Button onPress={() => void copy()}>Copy link</Button>;
}
