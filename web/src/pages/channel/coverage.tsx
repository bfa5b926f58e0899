// In which time somebody looked at the channel while it was on the air, and why not in the rest.

import { scaleTime } from "d3-scale";
import type { Schemas } from "../../api/client";
import { MARGIN, TimeAxis } from "../../charts/axes";
import { Chart, LegendKey } from "../../charts/chart";
import { Moment } from "../../design/parts";
import { lasting } from "../../words/time";
import { unwatchedWords } from "../../words/words";
import { type Span, sums } from "./history";

const HEIGHT = 58;
const STATES = { watched: "watched", unwatched: "unwatched", idle: "off the air" } as const;

export function Coverage({ spans, from, to }: { spans: readonly Span[]; from: number; to: number }) {
  const sum = sums(spans);
  const live = sum.watched + sum.unwatched;
  const share = live ? (100 * sum.watched) / live : null;
  const says =
    share === null
      ? "Not on the air in this time."
      : `Watched for ${lasting(sum.watched)} of ${lasting(live)} on the air: ${percent(share)}. Unwatched for ${lasting(sum.unwatched)}.`;
  return (
    <div className="stack tight">
      <Chart
        title="Coverage"
        unit="while on the air"
        says={says}
        rows={[...spans].reverse()}
        rowKey={(span) => String(span.from)}
        columns={[
          { name: "State", of: (span) => STATES[span.state] },
          { name: "From", of: (span) => <Moment at={span.from} /> },
          { name: "For", number: true, of: (span) => lasting(span.to - span.from) },
          { name: "Why", of: (span) => (span.because ? because(span.because) : "") },
        ]}
        legend={
          <>
            <LegendKey tone="calm">watched</LegendKey>
            <LegendKey tone="broken" pattern="stripes">
              unwatched
            </LegendKey>
            <LegendKey tone="quiet">off the air</LegendKey>
          </>
        }
      >
        {(width) => <Strip spans={spans} from={from} to={to} width={width} />}
      </Chart>
      <p>{says}</p>
    </div>
  );
}

function because(reason: string): string {
  return unwatchedWords(reason as Schemas["UnwatchedBecause"]);
}

function percent(share: number): string {
  return `${share === 100 ? "100" : Math.min(share, 99.9).toFixed(1)}\u00a0%`;
}

/** Whole is a strip of full height; a gap is a striped one, so that it is seen without its colour. */
function Strip({ spans, from, to, width }: { spans: readonly Span[]; from: number; to: number; width: number }) {
  const x = scaleTime([from, to], [4, width - MARGIN.right]);
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      <defs>
        <pattern id="channel-stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="6" height="6" className="channel-stripes-ground" />
          <rect width="3" height="6" className="channel-stripes-line" />
        </pattern>
      </defs>
      {spans.map((span) => (
        <rect
          key={span.from}
          className="channel-span"
          data-state={span.state}
          x={x(span.from)}
          // A gap of a second in a week is still seen.
          width={Math.max(span.state === "unwatched" ? 2 : 0, x(span.to) - x(span.from))}
          y={span.state === "idle" ? 20 : 6}
          height={span.state === "idle" ? 2 : 26}
        >
          <title>
            {STATES[span.state]} for {lasting(span.to - span.from)}
            {span.because ? `: ${because(span.because)}` : ""}
          </title>
        </rect>
      ))}
      <TimeAxis x={x} height={HEIGHT} />
    </svg>
  );
}
