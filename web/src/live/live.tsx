// The live store, for components.

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { connect } from "./connection";
import { type ChannelRow, type Link, LiveStore, type WarningRow } from "./store";

const Context = createContext<LiveStore | null>(null);

/** Feeds what is below it. `store` is given by tests, which feed it themselves. */
export function Live({ children, store: given }: { children: ReactNode; store?: LiveStore }) {
  const [store] = useState(() => given ?? new LiveStore());
  useEffect(() => (given ? undefined : connect(store)), [store, given]);
  return <Context value={store}>{children}</Context>;
}

export function useLive(): LiveStore {
  const store = useContext(Context);
  if (!store) throw new Error("outside of <Live>");
  return store;
}

export function useLink(): Link {
  const store = useLive();
  return useSyncExternalStore(store.subscribe, store.link);
}

/** One channel's row; the component is drawn anew only when that row changes. */
export function useChannel(id: string): ChannelRow | undefined {
  const store = useLive();
  return useSyncExternalStore(store.subscribe, () => store.channel(id));
}

/** One warning's row; none if it is not in the queue. */
export function useWarning(id: string | null): WarningRow | undefined {
  const store = useLive();
  return useSyncExternalStore(store.subscribe, () => (id === null ? undefined : store.warning(id)));
}

/** A number that changes with the channels, for what is worked out of all of them. */
export function useChannelsVersion(): number {
  const store = useLive();
  return useSyncExternalStore(store.subscribe, store.channelsVersion);
}

/** A number that changes with the warnings. */
export function useWarningsVersion(): number {
  const store = useLive();
  return useSyncExternalStore(store.subscribe, store.warningsVersion);
}

/** The server's time, once a second, and the same for everything on the page: one clock draws all of it at once. */
export function useNow(): number {
  const store = useLive();
  return useSyncExternalStore(store.clock.subscribe, store.clock.now);
}
