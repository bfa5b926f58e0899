// The wall with many live channels and a busy journal: how long the page's longest task is, and how long it takes from
// an event's being durable to its standing on the page. `npm run speed`; CHANNELS, EVENTS_PER_S and SECONDS change it.

import { writeFileSync } from "node:fs";
import { test } from "@playwright/test";
import { signedIn } from "../tests/fixtures";
import { CLEAR, House } from "../tests/house";

const CHANNELS = Number(process.env.CHANNELS ?? 5_000);
const EVENTS_PER_S = Number(process.env.EVENTS_PER_S ?? 200);
/** Channels that frames come from: the first ones, which are also on the screen. */
const ACTIVE = Number(process.env.ACTIVE ?? 100);
const SECONDS = Number(process.env.SECONDS ?? 30);

// Frames come long before they are due: each is one event, and nobody's model is measured.
const POLICY = `
policy: many
version: 1
title: Many channels, seldom looked at
channels: { matching: ^many/ }
taxonomy: local-nudity/1
sampling: { every: 1h, reassess_after: 2h }
rules:
  - id: never
    categories: [Preliminary Nudity]
    confidence: 99
    action: warn
    severity: 1
    cooldown: 1m
`;

const name = (n: number): string => `many/${String(n).padStart(5, "0")}`;

interface Seen {
  tasks: number[];
  shown: Record<string, number>;
}

test("the wall under load", async ({ browser }) => {
  const house = await House.open({ policy: POLICY, rates: { write: 100_000, ingest: 100_000, read: 10_000 } });
  const inBatches = async (count: number, size: number, each: (n: number) => Promise<unknown>) => {
    for (let n = 0; n < count; n += size)
      await Promise.all(Array.from({ length: Math.min(size, count - n) }, (_, i) => each(n + i)));
  };
  await inBatches(CHANNELS, 50, (n) => house.goLive(name(n)));
  // One judged frame each for those that are heard of later; the others are live, and nothing happens on them.
  await inBatches(ACTIVE, 8, (n) => house.show(name(n), CLEAR));
  const page = await signedIn(browser, house, house.token("mo-1", "moderator"));
  await page.locator("article.tile").first().waitFor();
  await page.evaluate(() => {
    const seen: Seen = { tasks: [], shown: {} };
    (window as unknown as { seen: Seen }).seen = seen;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.tasks.push(entry.duration);
    }).observe({ entryTypes: ["longtask"] });
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const frame = (target as HTMLElement).dataset.frame;
        if (frame && !(frame in seen.shown)) seen.shown[frame] = Date.now();
      }
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-frame"] });
  });
  // Those on the screen, which are asked about.
  const onScreen = await page
    .locator("article.tile")
    .evaluateAll((tiles) => tiles.map((tile) => (tile as HTMLElement).dataset.id ?? ""));
  const probes: { frame: string; durable: number }[] = [];
  const end = Date.now() + SECONDS * 1000;
  let sent = 0;
  let last = 0;
  const begun = Date.now();
  const under = new Set<Promise<unknown>>();
  while (Date.now() < end) {
    while (sent < ((Date.now() - begun) / 1000) * EVENTS_PER_S && under.size < 64) {
      const probe = sent % EVENTS_PER_S < 4;
      const channel = probe
        ? (onScreen[Math.floor(Math.random() * onScreen.length)] ?? name(0))
        : name(Math.floor(Math.random() * ACTIVE));
      const one: Promise<unknown> = house
        .show(channel, CLEAR)
        .then(({ frame, position }) => {
          last = Math.max(last, position);
          if (probe) probes.push({ frame, durable: Date.now() });
        })
        .finally(() => under.delete(one));
      under.add(one);
      sent++;
    }
    await new Promise((done) => setTimeout(done, 5));
    if (sent % 50 === 0) await page.mouse.wheel(0, sent % 100 === 0 ? 700 : -700);
  }
  await Promise.all(under);
  // Until the page has come to the last event.
  await page.waitForFunction(
    (last) =>
      [...document.querySelectorAll("[title]")].some(
        (it) => Number(/head is (\d+)/.exec(it.getAttribute("title") ?? "")?.[1]) >= last,
      ),
    last,
  );
  const seen = await page.evaluate(() => (window as unknown as { seen: Seen }).seen);
  const late = probes.flatMap(({ frame, durable }) =>
    frame in seen.shown ? [Math.max(0, (seen.shown[frame] ?? 0) - durable)] : [],
  );
  const at = (of: number[], share: number) =>
    [...of].sort((a, b) => a - b)[Math.min(of.length - 1, Math.floor(of.length * share))] ?? Number.NaN;
  const lines = [
    `${CHANNELS} live channels, events ${(sent / SECONDS).toFixed(0)}/s for ${SECONDS} s`,
    `main-thread tasks over 50 ms: ${seen.tasks.length}; longest ${Math.max(0, ...seen.tasks).toFixed(0)} ms`,
    `answered to the sender → on the page: ${late.length} of ${probes.length} probes seen, median ${at(late, 0.5).toFixed(0)} ms, p95 ${at(late, 0.95).toFixed(0)} ms`,
  ];
  for (const line of lines) console.log(line);
  if (process.env.OUT) writeFileSync(process.env.OUT, `${lines.join("\n")}\n`);
  await page.context().close();
  await house.close();
});
