// The axes of a drawing: quiet lines and a few numbers.

import type { ScaleLinear, ScaleTime } from "d3-scale";
import { moment } from "../words/time";
import { timeTicks } from "./steps";

export const MARGIN = { top: 10, right: 8, bottom: 22, left: 40 };
const TICK_WIDTH = 84;
/** So near to an end of the axis a text would be cut off. */
const EDGE = 16;

export type X = ScaleTime<number, number> | ScaleLinear<number, number>;

export function TimeAxis({ x, height }: { x: X; height: number }) {
  const [from, to] = x.domain().map(Number) as [number, number];
  const [left, right] = x.range() as [number, number];
  const ticks = timeTicks(from, to, Math.max(2, Math.floor((right - left) / TICK_WIDTH)));
  const seconds = to - from < 600_000;
  const days = to - from > 48 * 3_600_000;
  return (
    <g className="chart-axis">
      <line x1={left} x2={right} y1={height - MARGIN.bottom} y2={height - MARGIN.bottom} />
      {ticks.map((at) => (
        <g key={at} transform={`translate(${x(at)},${height - MARGIN.bottom})`}>
          <line y2={4} />
          <text y={16} textAnchor={right - x(at) < EDGE ? "end" : x(at) - left < EDGE ? "start" : "middle"}>
            {days ? DAY.format(at) : seconds ? moment(at).slice(-8) : CLOCK.format(at)}
          </text>
        </g>
      ))}
    </g>
  );
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export function ValueAxis({
  y,
  width,
  format,
  ticks,
}: {
  y: ScaleLinear<number, number>;
  width: number;
  format: (value: number) => string;
  ticks?: readonly number[];
}) {
  return (
    <g className="chart-axis">
      {(ticks ?? y.ticks(4)).map((value) => (
        <g key={value} transform={`translate(0,${y(value)})`}>
          <line className="chart-grid" x1={MARGIN.left} x2={width - MARGIN.right} />
          <text x={MARGIN.left - 6} dy="0.32em" textAnchor="end">
            {format(value)}
          </text>
        </g>
      ))}
    </g>
  );
}
