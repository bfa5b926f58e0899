// A value that holds until it changes, with marks of what changed it.

import { scaleLinear, scaleTime } from "d3-scale";
import { curveStepAfter, line } from "d3-shape";
import type { ReactNode } from "react";
import { MARGIN, TimeAxis, ValueAxis } from "./axes";
import { type Mark, type Point, valueAt, within } from "./steps";

interface StepLineProps {
  width: number;
  height: number;
  from: number;
  to: number;
  points: readonly Point[];
  marks: readonly Mark[];
  domain: readonly [number, number];
  ticks: readonly number[];
  format: (value: number) => string;
}

export function StepLine({ width, height, from, to, points, marks, domain, ticks, format }: StepLineProps) {
  const x = scaleTime([from, to], [MARGIN.left, width - MARGIN.right]);
  const y = scaleLinear(domain, [height - MARGIN.bottom, MARGIN.top]);
  const shown = within(points, from, to);
  const path = line<Point>(
    (point) => x(point.at),
    (point) => y(point.value),
  ).curve(curveStepAfter)(shown);
  return (
    <svg width={width} height={height} aria-hidden="true">
      <ValueAxis y={y} width={width} format={format} ticks={ticks} />
      <TimeAxis x={x} height={height} />
      {path && <path className="chart-line" d={path} />}
      {marks
        .filter((mark) => mark.at >= from && mark.at <= to)
        .map((mark) => {
          const value = mark.value ?? valueAt(points, mark.at) ?? domain[0];
          return (
            <g
              key={`${mark.at} ${mark.text}`}
              className="chart-mark"
              data-tone={mark.tone}
              transform={`translate(${x(mark.at)},${y(value)})`}
            >
              <title>{mark.text}</title>
              <path d={SHAPES[mark.shape]} />
            </g>
          );
        })}
    </svg>
  );
}

const SHAPES: Record<Mark["shape"], string> = {
  circle: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
  up: "M0-5 5 4-5 4Z",
  down: "M0 5 5-4-5-4Z",
  square: "M-4-4H4V4H-4Z",
};

/** A mark beside its words, for the legend. */
export function LegendMark({ shape, tone, children }: Pick<Mark, "shape" | "tone"> & { children: ReactNode }) {
  return (
    <span className="chart-key">
      <svg className="chart-mark" data-tone={tone} viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">
        <path d={SHAPES[shape]} />
      </svg>
      {children}
    </span>
  );
}
