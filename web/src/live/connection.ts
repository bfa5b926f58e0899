// The connection to `GET /v1/live`: opened, watched over, opened again. A feed that says nothing is lost, whatever the
// socket says.

import type { At, ChannelRow, LiveStore, WarningRow } from "./store";

/** The server beats every two seconds; three beats missed are a break. */
const SILENCE_MAX_MS = 6_500;
/** A tab that is out of sight keeps its feed for so long. */
const UNSEEN_MS = 10_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

/** Keeps the store fed until the returned function is called. */
export function connect(store: LiveStore, url = "/v1/live"): () => void {
  let source: EventSource | null = null;
  let watch: ReturnType<typeof setInterval> | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let pause = RETRY_FIRST_MS;
  let lastHeard = 0;
  let over = false;

  function open(): void {
    retry = null;
    lastHeard = performance.now();
    const feed = new EventSource(url, { withCredentials: false });
    source = feed;
    const on = <T>(name: string, take: (data: T) => void): void => {
      feed.addEventListener(name, (event) => {
        if (source !== feed) return; // a connection already given up
        lastHeard = performance.now();
        take(JSON.parse((event as MessageEvent<string>).data || "null") as T);
      });
    };
    on("begin", () => store.begin());
    on<{ items: ChannelRow[] }>("channels", ({ items }) => store.putChannels(items));
    on<{ items: WarningRow[]; gone: string[] }>("warnings", ({ items, gone }) => store.putWarnings(items, gone));
    on<At>("ready", (at) => {
      pause = RETRY_FIRST_MS;
      store.ready(at);
    });
    on<At>("at", (at) => store.heard(at));
    on("resume", () => again());
    feed.onerror = () => {
      if (source === feed) again();
    };
  }

  /** Gives this connection up and tries anew after a pause, which grows and is not the same for everybody. */
  function again(): void {
    source?.close();
    source = null;
    store.lost("lost");
    if (over || retry) return;
    retry = setTimeout(open, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, RETRY_MAX_MS);
  }

  // A browser has few connections to one host, and each open feed takes one of all its tabs: a tab that nobody sees gives
  // its own back, and has a whole snapshot again when it is seen.
  let unseen: ReturnType<typeof setTimeout> | null = null;
  const onVisibility = () => {
    if (unseen) clearTimeout(unseen);
    unseen = null;
    if (document.hidden) {
      unseen = setTimeout(() => {
        source?.close();
        source = null;
        if (retry) clearTimeout(retry);
        retry = null;
        store.lost("connecting");
      }, UNSEEN_MS);
    } else if (!source && !over) {
      if (retry) clearTimeout(retry);
      open();
    }
  };
  document.addEventListener("visibilitychange", onVisibility);

  open();
  watch = setInterval(() => {
    if (source && performance.now() - lastHeard > SILENCE_MAX_MS) again();
  }, 500);
  const onOnline = () => {
    if (!source && retry) {
      clearTimeout(retry);
      open();
    }
  };
  window.addEventListener("online", onOnline);
  return () => {
    over = true;
    source?.close();
    source = null;
    if (watch) clearInterval(watch);
    if (retry) clearTimeout(retry);
    if (unseen) clearTimeout(unseen);
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("online", onOnline);
  };
}
