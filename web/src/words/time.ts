// Times and lengths as they are read at a glance. Everything is shown in the reader's own time zone, with the full
// moment in its title.

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** `21:04:07`, with the day if it is not today. */
export function moment(at: string | number, now = Date.now()): string {
  const date = new Date(at);
  const clock = CLOCK.format(date);
  return new Date(now).toDateString() === date.toDateString() ? clock : `${DAY.format(date)} ${clock}`;
}

export function fullMoment(at: string | number): string {
  return FULL.format(new Date(at));
}

/** `12 s`, `4 min`, `3 h 10 min`, `2 d 4 h`: two units at most. */
export function lasting(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 100) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 48) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

/** `4:07`, `1:02:03`: for clocks that count. */
export function counting(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** `10 s`, `1 min 30 s`: an interval of a cadence. */
export function interval(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  const s = ms / 1000;
  if (s < 60) return `${Number.isInteger(s) ? s : s.toFixed(1)} s`;
  return s % 60 ? `${Math.floor(s / 60)} min ${Math.round(s % 60)} s` : `${s / 60} min`;
}
