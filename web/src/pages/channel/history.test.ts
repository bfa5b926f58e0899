import { expect, test } from "vitest";
import { beginOf, causes, type Piece, scores, spansOf, steps, sums } from "./history";

const iso = (at: number) => new Date(at).toISOString();
const piece = (from: number, to: number, over: Partial<Piece> = {}): Piece =>
  ({
    from: iso(from),
    to: iso(to),
    sessions: [],
    coverage: [],
    cadence: [],
    warnings: [],
    answers: [],
    adjustments: [],
    complete: true,
    ...over,
  }) as unknown as Piece;
const span = (watched: boolean, from: number, to: number | null, because: string | null = null) =>
  ({ watched, because, from: iso(from), to: to === null ? null : iso(to) }) as Piece["coverage"][number];

test("spans cover all of the time, and where nothing is told nothing was on the air", () => {
  const told = piece(0, 500, {
    coverage: [span(true, 100, 200), span(false, 200, 300, "no_input"), span(true, 300, 400)],
  });
  const spans = spansOf([told], 0, 500, { state: "idle" });
  expect(spans).toEqual([
    { state: "idle", from: 0, to: 100 },
    { state: "watched", from: 100, to: 200 },
    { state: "unwatched", from: 200, to: 300, because: "no_input" },
    { state: "watched", from: 300, to: 400 },
    { state: "idle", from: 400, to: 500 },
  ]);
  expect(sums(spans)).toEqual({ idle: 200, watched: 200, unwatched: 100 });
});

test("pieces that follow each other are one past: what goes on at the end of one is not told twice", () => {
  const first = piece(0, 300, { coverage: [span(true, 50, null)] });
  const second = piece(300, 600, { coverage: [span(true, 50, 450), span(false, 450, null, "failed")] });
  const now = { state: "unwatched", since: 450, because: "failed" } as const;
  expect(spansOf([first, second], 0, 600, now)).toEqual([
    { state: "idle", from: 0, to: 50 },
    { state: "watched", from: 50, to: 450 },
    { state: "unwatched", from: 450, to: 600, because: "failed" },
  ]);
});

test("what holds now and began before anybody looked back so far is drawn as it is", () => {
  expect(spansOf([piece(0, 100)], 0, 100, { state: "unwatched", since: -5, because: "failed" })).toEqual([
    { state: "unwatched", from: 0, to: 100, because: "failed" },
  ]);
  expect(spansOf([piece(0, 100)], 0, 100, { state: "watched", since: 60 })).toEqual([
    { state: "idle", from: 0, to: 60 },
    { state: "watched", from: 60, to: 100 },
  ]);
});

const change = (sequence: number, at: number, because: string, score: number | null) =>
  ({ sequence, at: iso(at), because, score, from_ms: 1000, to_ms: 2000 }) as Piece["cadence"][number];
const set = (sequence: number, at: number, over: object) =>
  ({ sequence, since: iso(at), by: "ana", why: "known", ...over }) as Piece["adjustments"][number];
const answer = (said: string, at: number) => ({ said, by: "ana", at: iso(at) }) as Piece["answers"][number];

const past = [
  piece(0, 25, { cadence: [change(1, -10, "session_began", 0.1), change(3, 20, "trust", 0.25)] }),
  piece(25, 70, {
    cadence: [change(3, 20, "trust", 0.25), change(5, 40, "adjusted", 0.9), change(7, 60, "hit", null)],
    adjustments: [set(4, 30, { change: { pin: 0.9 } }), set(6, 50, { change: "release" })],
    answers: [answer("upheld", 55), answer("withdrawn", 56), answer("overturned", 65)],
  }),
];

test("a score is known where the past says it, from what held when it begins, and each change counts once", () => {
  expect(scores(past, 0, { at: 70, value: 0.5 })).toEqual([
    { at: 0, value: 0.1 },
    { at: 20, value: 0.25 },
    { at: 30, value: 0.9 },
    { at: 40, value: 0.9 },
    { at: 70, value: 0.5 },
  ]);
  expect(causes(past, 0).map((mark) => [mark.at, mark.shape])).toEqual([
    [20, "circle"],
    [30, "square"],
    [40, "circle"],
    [50, "square"],
    [55, "down"],
    [65, "up"],
  ]);
});

test("a step that a person is the cause of names them", () => {
  const told = steps(past, 0);
  expect(told.map((step) => [step.at, step.set?.sequence ?? null])).toEqual([
    [20, null],
    [40, 4],
    [60, null],
  ]);
});

test("a channel that is younger than the stretch is drawn from its first broadcast on", () => {
  const young = piece(0, 100, { sessions: [{ session: "s", from: iso(80), to: null }] as never });
  expect(beginOf([young], 0, 1, false)).toBe(80);
  expect(beginOf([young], 0, 2, false)).toBe(0); // it had another before
  expect(beginOf([piece(40, 100)], 0, 2, true)).toBe(40);
});
