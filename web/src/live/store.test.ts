import { describe, expect, test, vi } from "vitest";
import { Clock } from "./clock";
import { type ChannelRow, LiveStore, type WarningRow } from "./store";

const channel = (id: string, open_warnings = 0) => ({ channel: id, open_warnings }) as ChannelRow;
const warning = (id: string) => ({ warning: id, standing: "open" }) as WarningRow;
const at = (head: number) => ({ head, now: new Date().toISOString() });

function filled(): LiveStore {
  const store = new LiveStore();
  store.begin();
  store.putChannels([channel("a"), channel("b")]);
  store.putWarnings([warning("w")], []);
  store.ready(at(7));
  return store;
}

describe("the live store", () => {
  test("shows nothing of a snapshot before it is whole, and says that nothing is known", () => {
    const store = new LiveStore();
    store.begin();
    store.putChannels([channel("a")]);
    expect(store.channels().size).toBe(0);
    expect([store.everReady(), store.link()]).toEqual([false, "connecting"]);
    store.ready(at(1));
    expect([store.everReady(), store.link(), store.channels().size]).toEqual([true, "live", 1]);
  });

  test("forgets after a reconnection what is no longer there, and shows the old until then", () => {
    const store = filled();
    store.lost("lost");
    expect(store.channels().size).toBe(2);
    store.begin();
    store.putChannels([channel("b", 1)]);
    expect(store.channel("a")).toBeDefined();
    store.ready(at(9));
    expect(store.channel("a")).toBeUndefined();
    expect(store.channel("b")?.open_warnings).toBe(1);
    expect(store.warning("w")).toBeUndefined();
  });

  test("a snapshot that is cut off changes nothing", () => {
    const store = filled();
    store.begin();
    store.putChannels([channel("c")]);
    store.lost("lost");
    expect([...store.channels().keys()]).toEqual(["a", "b"]);
    store.putChannels([channel("a", 2)]); // a late message of the connection that was given up
    expect(store.channel("a")?.open_warnings).toBe(2);
  });

  test("rows that do not change stay the same objects, so that nothing is drawn anew for them", () => {
    const store = filled();
    const before = store.channel("a");
    store.putChannels([channel("b", 1)]);
    expect(store.channel("a")).toBe(before);
  });

  test("tells of each change once, and not of a beat", () => {
    const store = filled();
    const heard = vi.fn();
    const leave = store.subscribe(heard);
    store.putWarnings([], ["w"]);
    expect(heard).toHaveBeenCalledTimes(1);
    store.heard(at(8));
    expect(heard).toHaveBeenCalledTimes(1);
    store.lost("lost");
    store.lost("lost");
    expect(heard).toHaveBeenCalledTimes(2);
    leave();
    store.ready(at(9));
    expect(heard).toHaveBeenCalledTimes(2);
  });

  test("keeps to the server's clock", () => {
    const store = filled();
    const hour = 3_600_000;
    store.heard({ head: 8, now: new Date(Date.now() + hour).toISOString() });
    expect(Math.abs(store.now() - Date.now() - hour)).toBeLessThan(1_000);
  });
});

describe("the clock", () => {
  test("ticks once for all who read it, and not when nobody does", () => {
    vi.useFakeTimers();
    const clock = new Clock(() => Date.now());
    const [one, two] = [vi.fn(), vi.fn()];
    const leave = [clock.subscribe(one), clock.subscribe(two)];
    const before = clock.now();
    vi.advanceTimersByTime(3_000);
    expect([one.mock.calls.length, two.mock.calls.length]).toEqual([3, 3]);
    expect(clock.now() - before).toBe(3_000);
    for (const it of leave) it();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
