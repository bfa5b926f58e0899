// What all charts share: a title with its unit, the drawing, and the numbers behind it as a table that anybody can open.

import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import "./charts.css";

export interface Column<Row> {
  name: string;
  /** Numbers stand at the right. */
  number?: true;
  of: (row: Row) => ReactNode;
}

interface ChartProps<Row> {
  title: string;
  /** What is counted or measured, as it stands beside the axis. */
  unit: string;
  /** What the drawing shows, for those who do not see it. */
  says: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  legend?: ReactNode;
  level?: 2 | 3;
  children: (width: number) => ReactNode;
}

export function Chart<Row>({ title, unit, says, rows, columns, rowKey, legend, level = 3, children }: ChartProps<Row>) {
  const [box, width] = useWidth();
  const id = useId();
  const Title = level === 2 ? "h2" : "h3";
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption className="chart-head">
        <Title id={id}>{title}</Title>
        <span className="muted">{unit}</span>
      </figcaption>
      <div ref={box} className="chart-box" role="img" aria-label={says}>
        {width > 0 && children(width)}
      </div>
      {legend && <div className="chart-legend row">{legend}</div>}
      <Numbers rows={rows} columns={columns} rowKey={rowKey} title={title} />
    </figure>
  );
}

/** Rows of a table beyond these are only counted: it is for reading. */
const ROWS_MAX = 300;

export function Numbers<Row>({
  rows,
  columns,
  rowKey,
  title,
}: {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  title: string;
}) {
  const [open, setOpen] = useState(false);
  return (
    <details className="chart-numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The numbers</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="scroll-x chart-table" tabIndex={0} aria-label={`Numbers: ${title}`}>
          <table className="figures">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.name} scope="col" className={column.number && "n"}>
                    {column.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, ROWS_MAX).map((row) => (
                <tr key={rowKey(row)}>
                  {columns.map((column) => (
                    <td key={column.name} className={column.number && "n"}>
                      {column.of(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length > ROWS_MAX && <p className="muted">{rows.length - ROWS_MAX} more rows.</p>}
        </section>
      )}
    </details>
  );
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    observer.observe(at);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}

/** A key of the legend: the shape that is drawn, and what it stands for. */
export function LegendKey({ tone, pattern, children }: { tone: string; pattern?: string; children: ReactNode }) {
  return (
    <span className="chart-key" data-tone={tone}>
      <span className="chart-swatch" data-pattern={pattern} aria-hidden="true" />
      {children}
    </span>
  );
}
