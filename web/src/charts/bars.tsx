// Bars over time, one stack for each stretch: what is at the bottom is drawn full, what lies on it is striped, so that
// the two are told apart without their colours.

import { scaleLinear, scaleTime } from "d3-scale";
import { useId } from "react";
import type { Tone } from "../words/words";
import { MARGIN, TimeAxis, ValueAxis } from "./axes";
import { niceTop } from "./steps";

export interface Bar {
  from: number;
  to: number;
  parts: readonly { name: string; tone: Tone; value: number; striped?: true }[];
  says: string;
}

interface TimeBarsProps {
  width: number;
  height: number;
  bars: readonly Bar[];
  format: (value: number) => string;
  /** Only whole numbers stand at the axis. */
  whole?: boolean;
}

export function TimeBars({ width, height, bars, format, whole }: TimeBarsProps) {
  const id = useId();
  const [first, last] = [bars[0], bars.at(-1)];
  if (!first || !last) return null;
  const x = scaleTime([first.from, last.to], [MARGIN.left, width - MARGIN.right]);
  const top = niceTop(Math.max(...bars.map((bar) => bar.parts.reduce((sum, part) => sum + part.value, 0))));
  const y = scaleLinear([0, top], [height - MARGIN.bottom, MARGIN.top]);
  const ticks = y.ticks(4).filter((tick) => !whole || Number.isInteger(tick));
  const tones = [...new Set(bars.flatMap((bar) => bar.parts.filter((part) => part.striped).map((part) => part.tone)))];
  return (
    <svg width={width} height={height} aria-hidden="true">
      <defs>
        {tones.map((tone) => (
          <pattern
            key={tone}
            id={`${id}${tone}`}
            width="5"
            height="5"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
            data-tone={tone}
          >
            <rect width="5" height="5" className="chart-stripe-ground" />
            <rect width="2.5" height="5" className="chart-stripe" />
          </pattern>
        ))}
      </defs>
      <ValueAxis y={y} width={width} format={format} ticks={ticks} />
      <TimeAxis x={x} height={height} />
      {bars.map((bar) => {
        let base = 0;
        const gap = Math.min(2, (x(bar.to) - x(bar.from)) * 0.2);
        return (
          <g key={bar.from}>
            <title>{bar.says}</title>
            {bar.parts.map((part) => {
              const bottom = y(base);
              base += part.value;
              return (
                <rect
                  key={part.name}
                  className="chart-bar"
                  data-tone={part.tone}
                  x={x(bar.from) + gap / 2}
                  width={Math.max(1, x(bar.to) - x(bar.from) - gap)}
                  y={y(base)}
                  height={Math.max(0, bottom - y(base))}
                  fill={part.striped ? `url(#${CSS.escape(`${id}${part.tone}`)})` : undefined}
                  data-striped={part.striped}
                />
              );
            })}
          </g>
        );
      })}
    </svg>
  );
}
