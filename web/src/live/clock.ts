// A clock that many read and that ticks once for all of them. It runs while somebody reads it.

const TICK_MS = 1_000;

export class Clock {
  readonly #time: () => number;
  readonly #listeners = new Set<() => void>();
  #now: number;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(time: () => number) {
    this.#time = time;
    this.#now = time();
  }

  readonly now = (): number => this.#now;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#timer === null) {
      this.#now = this.#time();
      this.#timer = setInterval(() => this.tick(), TICK_MS);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
  };

  /** Also when the server's time becomes known, so that nobody waits a second for it. */
  tick(): void {
    this.#now = this.#time();
    for (const listener of this.#listeners) listener();
  }
}
