// A frame's picture. Coarse and grey until somebody asks to see it: the server makes the coarse one, and records every
// look at the other under the name of who looked. A picture is fetched when it is revealed and dropped when it is not,
// so that what is recorded is what was seen.

import { useCallback, useEffect, useRef, useState } from "react";
import { Refused, said } from "../api/client";
import { Button } from "../design/parts";
import { Hint, useKey } from "../keys/keys";
import { goneWords } from "./gone";
import { useSettings } from "./settings";

interface PictureProps {
  frame: string;
  /** What it is of, for those who do not see it. */
  label: string;
  /** Answers the key that reveals. One picture of a page does. */
  keyed?: boolean;
}

export function Picture({ frame, label, keyed = false }: PictureProps) {
  const { settings } = useSettings();
  const [asked, setAsked] = useState(false);
  const revealed = settings.pictures === "plain" || asked;
  const { url, failure } = useRevealed(frame, revealed);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another frame is veiled again
  useEffect(() => setAsked(false), [frame]);
  const hold = settings.reveal === "hold";
  const press = () => setAsked((shown) => (hold ? true : !shown));
  const release = () => hold && setAsked(false);
  useKey("reveal", press, { enabled: keyed, release });
  const veil = `/v1/evidence/${frame}/preview`;
  return (
    <figure className="picture" data-revealed={url !== null}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button and the key below do the same */}
      <div
        className="picture-frame"
        onPointerDown={settings.pictures === "veiled" && hold ? press : undefined}
        onPointerUp={release}
        onPointerLeave={release}
        onPointerCancel={release}
        onContextMenu={(event) => hold && event.preventDefault()}
      >
        {url ? (
          <img src={url} alt={`${label}, revealed`} className={settings.grey ? "grey" : undefined} draggable={false} />
        ) : (
          <Veil src={veil} label={label} />
        )}
      </div>
      {failure && (
        <p className="picture-failure" role="alert">
          {failure}
        </p>
      )}
      {settings.pictures === "veiled" && (
        <figcaption className="row">
          <Button
            aria-pressed={asked}
            onPress={() => hold || press()}
            onPointerDown={() => hold && press()}
            onPointerUp={release}
            onPointerLeave={release}
            onKeyDown={(event) => hold && (event.key === " " || event.key === "Enter") && !event.repeat && press()}
            onKeyUp={release}
            onBlur={release}
          >
            {hold ? "Hold to reveal" : asked ? "Veil again" : "Reveal"}
            {keyed && <Hint of="reveal" />}
          </Button>
          <span className="muted">Each look is recorded with your name.</span>
        </figcaption>
      )}
    </figure>
  );
}

/** The coarse grey one; if there is none, it is said why. An image tells nobody what the server answered: it is asked. */
function Veil({ src, label }: { src: string; label: string }) {
  const [absent, setAbsent] = useState<{ src: string; why: string } | null>(null);
  const ask = () => {
    const why = (words: string | null) => setAbsent({ src, why: words ?? "No picture is kept of this frame" });
    fetch(src, { credentials: "same-origin", cache: "no-store" })
      .then(async (response) => Refused.of(response.status, await response.json().catch(() => null)))
      .then((refused) => why(goneWords(refused, "The picture")))
      .catch(() => why(null));
  };
  if (absent?.src === src) return <div className="picture-absent">{absent.why}</div>;
  return <img src={src} alt={`${label}, veiled`} className="veil" onError={ask} draggable={false} />;
}

function useRevealed(frame: string, revealed: boolean): { url: string | null; failure: string | null } {
  const [shown, setShown] = useState<{ frame: string; url: string } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const shownUrl = useRef<string | null>(null);
  const drop = useCallback(() => {
    if (shownUrl.current) URL.revokeObjectURL(shownUrl.current);
    shownUrl.current = null;
    setShown(null);
  }, []);
  useEffect(() => {
    setFailure(null);
    if (!revealed) return drop();
    const gone = new AbortController();
    fetch(`/v1/evidence/${frame}`, { signal: gone.signal, credentials: "same-origin", cache: "no-store" })
      .then(async (response) => {
        if (!response.ok) throw Refused.of(response.status, await response.json().catch(() => null));
        const url = URL.createObjectURL(await response.blob());
        if (gone.signal.aborted) return URL.revokeObjectURL(url);
        shownUrl.current = url;
        setShown({ frame, url });
      })
      .catch((error: unknown) => {
        if (!gone.signal.aborted) setFailure(goneWords(error, "The picture") ?? said(error));
      });
    return () => {
      gone.abort();
      drop();
    };
  }, [frame, revealed, drop]);
  return { url: shown?.frame === frame ? shown.url : null, failure };
}
