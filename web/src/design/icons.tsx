// Shapes beside the tones, so that no state is told by its colour alone. Drawn here: twelve strokes need no library.

const PATHS = {
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8Zm6.500 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  blind:
    "M2 2l12 12M6.500 4a6 6 0 0 1 1.500-.200c4 0 6.500 4.200 6.500 4.200a11 11 0 0 1-2 2.400M4 5.300A11 11 0 0 0 1.500 8S4 12.200 8 12.200a6 6 0 0 0 2.500-.500",
  triangle: "M8 2.500 14.500 13.500H1.500ZM8 6.500v3.500M8 11.700v.600",
  octagon: "M5.300 1.500h5.400l3.800 3.800v5.400l-3.800 3.800H5.300l-3.800-3.800V5.300ZM8 4.500v4.500M8 11v.700",
  tick: "M2.500 8.500 6.500 12.500 13.500 4",
  dash: "M3 8h10",
  bolt: "M9 1.500 3 9.500h4L6.500 14.500 13 6.500H9Z",
  clock: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 4.500V8l2.500 2",
  hand: "M5 8V3.500a1 1 0 0 1 2 0V7 2.500a1 1 0 0 1 2 0V7 3.500a1 1 0 0 1 2 0V9 6a1 1 0 0 1 2 0v4a4.500 4.500 0 0 1-4.500 4.500c-2 0-3-1-3.700-2.200L3 9.500a1 1 0 0 1 1.600-1L5 9Z",
  ghost: "M3 14V7a5 5 0 0 1 10 0v7l-2-1.500L9.500 14 8 12.500 6.500 14 5 12.500ZM6.500 7v.500M9.500 7v.500",
  link: "M6.500 9.500l3-3M7 4.500l1-1a3 3 0 0 1 4.500 4.500l-1 1M9 11.500l-1 1a3 3 0 0 1-4.500-4.500l1-1",
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM10.700 10.700 14 14",
  wall: "M2 2.500h5v5H2zM9 2.500h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  list: "M5.500 4h8.500M5.500 8h8.500M5.500 12h8.500M2 4h.500M2 8h.500M2 12h.500",
  chart: "M2 14V2M2 14h12M5 11V8M8 11V5M11 11V7",
  book: "M3 2.500h8a2 2 0 0 1 2 2v9H5a2 2 0 0 1-2-2ZM3 11.500a2 2 0 0 1 2-2h8",
  scroll: "M4 2.500h9v9a2 2 0 0 1-2 2H3.500a1.500 1.500 0 0 0 1.500-1.500V4A1.500 1.500 0 0 0 2 4v2h3M7 6h4M7 9h4",
  person: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.500 14a5.500 5.500 0 0 1 11 0",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: it has one, or stands beside words and is hidden
    <svg
      viewBox="0 0 16 16"
      width="1em"
      height="1em"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...(label ? { role: "img" } : { "aria-hidden": true })}
    >
      {label && <title>{label}</title>}
      <path d={PATHS[name]} />
    </svg>
  );
}
