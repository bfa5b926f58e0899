// What the live feed has told, as it stands now: rows of channels and warnings by id. The server folds events into
// rows; this page folds nothing. Knows neither React nor the network.

import type { Schemas } from "../api/client";
import { Clock } from "./clock";

export type ChannelRow = Schemas["Channel"];
export type WarningRow = Schemas["QueuedWarning"];

/** How the feed stands. Only `live` means that what is shown is now. */
export type Link = "connecting" | "live" | "lost";

export interface At {
  head: number;
  now: string;
}

interface Snapshot {
  channels: Map<string, ChannelRow>;
  warnings: Map<string, WarningRow>;
}

export class LiveStore {
  #shown: Snapshot = { channels: new Map(), warnings: new Map() };
  /** A snapshot under way: shown when it is whole, so that a reconnection never shows half of the channels. */
  #coming: Snapshot | null = null;
  #listeners = new Set<() => void>();
  #link: Link = "connecting";
  #everReady = false;
  #head = 0;
  /** Server's clock minus ours, in milliseconds. */
  #ahead = 0;
  /** When the feed was last heard of, by the server's clock. */
  #heardAt = 0;
  #channelsVersion = 0;
  #warningsVersion = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly link = (): Link => this.#link;
  /** Whether there was ever a whole snapshot: before, an empty list says nothing. */
  readonly everReady = (): boolean => this.#everReady;
  readonly head = (): number => this.#head;
  readonly heardAt = (): number => this.#heardAt;
  /** Rises with every change of a channel's row. */
  readonly channelsVersion = (): number => this.#channelsVersion;
  /** Rises with every change of a warning's row. */
  readonly warningsVersion = (): number => this.#warningsVersion;
  readonly channels = (): ReadonlyMap<string, ChannelRow> => this.#shown.channels;
  readonly warnings = (): ReadonlyMap<string, WarningRow> => this.#shown.warnings;
  readonly channel = (id: string): ChannelRow | undefined => this.#shown.channels.get(id);
  readonly warning = (id: string): WarningRow | undefined => this.#shown.warnings.get(id);
  /** The server's time, in milliseconds. */
  readonly now = (): number => Date.now() + this.#ahead;
  /** The same, once a second. */
  readonly clock = new Clock(this.now);

  /** A snapshot begins: what it does not hold is no longer there. */
  begin(): void {
    this.#coming = { channels: new Map(), warnings: new Map() };
  }

  putChannels(items: readonly ChannelRow[]): void {
    const { channels } = this.#coming ?? this.#shown;
    for (const row of items) channels.set(row.channel, row);
    if (!this.#coming) this.#changed("channels");
  }

  putWarnings(items: readonly WarningRow[], gone: readonly string[]): void {
    const { warnings } = this.#coming ?? this.#shown;
    for (const row of items) warnings.set(row.warning, row);
    for (const id of gone) warnings.delete(id);
    if (!this.#coming) this.#changed("warnings");
  }

  /** The snapshot is whole. */
  ready(at: At): void {
    if (this.#coming) this.#shown = this.#coming;
    this.#coming = null;
    this.#everReady = true;
    this.#link = "live";
    this.#channelsVersion++;
    this.#warningsVersion++;
    this.heard(at);
    this.clock.tick();
    this.#tell();
  }

  /** The feed lives, and this is its time. */
  heard(at: At): void {
    this.#head = at.head;
    this.#heardAt = Date.parse(at.now);
    const ahead = this.#heardAt - Date.now();
    // The delay on the way is in each reading; a jump is a clock that was set.
    this.#ahead = Math.abs(ahead - this.#ahead) > 2_000 ? ahead : this.#ahead + (ahead - this.#ahead) / 8;
  }

  /** The feed is broken, or not there yet. */
  lost(link: "connecting" | "lost"): void {
    this.#coming = null;
    if (this.#link === link) return;
    this.#link = link;
    this.#tell();
  }

  #changed(what: "channels" | "warnings"): void {
    if (what === "channels") this.#channelsVersion++;
    else this.#warningsVersion++;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
