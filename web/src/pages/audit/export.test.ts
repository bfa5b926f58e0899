import { afterEach, expect, test, vi } from "vitest";
import { Exporting, type Keep, keepAs, type Progress } from "./export";

class Kept implements Keep {
  text = "";
  whole = "";
  handedOver = false;
  async put(bytes: Uint8Array) {
    this.text += new TextDecoder().decode(bytes);
  }
  async partEnds() {
    this.whole = this.text;
  }
  async partBreaks() {
    this.text = this.whole;
  }
  async handOver() {
    this.handedOver = true;
  }
  async drop() {}
}

/** A list of lines, of which the server gives three with each answer, in pieces of a few bytes. */
function server(lines: number, hasHeader: boolean, breaksAt?: number) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const after = Number(new URL(address, "http://here").searchParams.get("after") ?? 0);
    const to = Math.min(after + 3, lines);
    let text = hasHeader ? "place,what\n" : "";
    for (let at = after + 1; at <= to; at++) text += `${at},line\n`;
    const isBroken = asked.length === breaksAt;
    const pieces = text.match(/[\s\S]{1,7}/g) ?? [];
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        const piece = pieces.shift();
        if (isBroken && pieces.length < 2) stream.error(new TypeError("network error"));
        else if (piece === undefined) stream.close();
        else stream.enqueue(new TextEncoder().encode(piece));
      },
    });
    const headers = new Headers({ "streamwarden-places": `${after + 1}-${to}/${lines}` });
    if (to < lines) headers.set("streamwarden-next", String(to));
    return { ok: true, status: 200, headers, body } as Response;
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${from + at},line\n`).join("");

test("parts become one file, under one row of names", async () => {
  const asked = server(8, true);
  const kept = new Kept();
  const told: Progress[] = [];
  const exporting = new Exporting({ address: "/v1/events?format=csv", hasHeader: true }, kept, (it) => told.push(it));
  await exporting.run(new AbortController().signal);
  expect(kept.text).toBe(`place,what\n${lines(1, 8)}`);
  expect(kept.handedOver).toBe(true);
  expect(asked).toEqual([
    "/v1/events?format=csv&span=25000",
    "/v1/events?format=csv&span=25000&after=3",
    "/v1/events?format=csv&span=25000&after=6",
  ]);
  expect(told.at(-1)).toMatchObject({ begin: 0, at: 8, last: 8, parts: 3, bytes: kept.text.length });
});

test("what broke off is taken up behind the last whole part, and nothing is there twice", async () => {
  const asked = server(8, false, 2);
  const kept = new Kept();
  const exporting = new Exporting({ address: "/v1/events?format=ndjson", hasHeader: false }, kept, () => undefined);
  await expect(exporting.run(new AbortController().signal)).rejects.toThrow("network error");
  expect(kept.text).toBe(lines(1, 3));
  expect(kept.handedOver).toBe(false);
  await exporting.run(new AbortController().signal);
  expect(kept.text).toBe(lines(1, 8));
  expect(asked.filter((address) => address.endsWith("after=3"))).toHaveLength(2);
});

test("a refusal is told in the server's words", async () => {
  vi.stubGlobal("fetch", async () => ({
    ok: false,
    status: 403,
    headers: new Headers(),
    json: async () => ({ code: "forbidden", detail: "an export needs the permission" }),
  }));
  const exporting = new Exporting({ address: "/v1/events?format=csv", hasHeader: true }, new Kept(), () => undefined);
  await expect(exporting.run(new AbortController().signal)).rejects.toThrow("an export needs the permission");
});

test("where the browser keeps no files each part is one of its own, and no more than one is held", async () => {
  const saved: [string, number][] = [];
  const blobs = new Map<string, Blob>();
  vi.stubGlobal("URL", {
    createObjectURL: (blob: Blob) => {
      blobs.set(`blob:${blobs.size}`, blob);
      return `blob:${blobs.size - 1}`;
    },
    revokeObjectURL: () => undefined,
  });
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push([this.download, blobs.get(this.href)?.size ?? -1]);
  });
  const keep = await keepAs("events.ndjson");
  const bytes = (text: string) => new TextEncoder().encode(text);
  await keep.put(bytes("one\n"));
  await keep.partEnds();
  await keep.put(bytes("broken"));
  await keep.partBreaks();
  await keep.put(bytes("two\nthree\n"));
  await keep.partEnds();
  await keep.handOver();
  expect(saved).toEqual([
    ["events-1.ndjson", 4],
    ["events-2.ndjson", 10],
  ]);
  vi.restoreAllMocks();
});
