// How far the channel is trusted, what that comes from, and what it does to its cadence. It tunes the watch and nothing
// else: no verdict and no stop depends on it.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas, said } from "../../api/client";
import { Chart } from "../../charts/chart";
import { LegendMark, StepLine } from "../../charts/step-line";
import { Confirm } from "../../design/dialog";
import { Button, Loaded, Moment, Wide } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { useMay } from "../../session/session";
import { interval } from "../../words/time";
import { causeWords } from "../../words/words";
import { causes, type Piece, type Step, scores, setWords } from "./history";
import { SetNote } from "./set-note";

type ReputationNow = Schemas["ReputationAt"];

const HEIGHT = 170;

export function useReputation(channel: string, sequence: number) {
  return useQuery({
    queryKey: ["reputation", channel],
    queryFn: () =>
      answered(
        api.GET("/v1/channels/{channel}/reputation", { params: { path: { channel } } }),
      ) as Promise<ReputationNow>,
    refetchInterval: sequence ? 15_000 : false,
  });
}

interface ReputationProps {
  channel: string;
  now: ReputationNow;
  pieces: readonly Piece[];
  from: number;
  to: number;
}

export function Reputation({ channel, now, pieces, from, to }: ReputationProps) {
  const may = useMay();
  const points = scores(pieces, from, { at: to, value: now.score });
  const marks = causes(pieces, from);
  const isFixed = now.watch && "fixed" in now.watch;
  return (
    <div className="stack tight">
      <Chart
        title="Reputation"
        unit="0 is not known or not trusted, 1 is fully trusted"
        says={`Reputation ${now.score.toFixed(2)} now. ${marks.length} changes and causes in this time.`}
        rows={rowsOf(points, marks)}
        rowKey={(row) => row.key}
        columns={[
          { name: "When", of: (row) => <Moment at={row.at} /> },
          { name: "Reputation", number: true, of: (row) => row.value?.toFixed(2) ?? "" },
          { name: "Cause", of: (row) => row.text },
        ]}
        legend={
          <>
            <LegendMark shape="circle" tone="quiet">
              cadence follows
            </LegendMark>
            <LegendMark shape="down" tone="grave">
              upheld
            </LegendMark>
            <LegendMark shape="up" tone="calm">
              dismissed or overturned
            </LegendMark>
            <LegendMark shape="square" tone="warn">
              set by a person
            </LegendMark>
          </>
        }
      >
        {(width) => (
          <StepLine
            width={width}
            height={HEIGHT}
            from={from}
            to={to}
            points={points}
            marks={marks}
            domain={[0, 1]}
            ticks={[0, 0.25, 0.5, 0.75, 1]}
            format={(value) => value.toFixed(2)}
          />
        )}
      </Chart>
      <p className="row channel-score">
        <strong className="number">{now.score.toFixed(2)}</strong>
        <span className="muted">
          with certainty {now.certainty.toFixed(2)}
          {isFixed && "; the policy fixes the cadence, so that it has no say here"}
        </span>
      </p>
      <ul className="channel-terms">
        {now.explanation.slice(1).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {now.adjusted && <SetNote set={now.adjusted} />}
      <Forecast channel={channel} sequence={now.sequence} isFixed={Boolean(isFixed)} />
      {may("write_policy", channel) && <SetReputation channel={channel} now={now} />}
    </div>
  );
}

interface Row {
  key: string;
  at: number;
  value: number | null;
  text: string;
}

function rowsOf(points: ReturnType<typeof scores>, marks: ReturnType<typeof causes>): Row[] {
  const rows: Row[] = marks.map((mark, at) => ({
    key: `mark ${at}`,
    at: mark.at,
    value: mark.value ?? null,
    text: mark.text,
  }));
  const last = points.at(-1);
  if (last) rows.push({ key: "now", at: last.at, value: last.value, text: "now" });
  return rows.sort((a, b) => b.at - a.at);
}

/** What clean time would bring. */
function Forecast({ channel, sequence, isFixed }: { channel: string; sequence: number; isFixed: boolean }) {
  const [asked, setAsked] = useState(false);
  const query = useQuery({
    queryKey: ["forecast", channel, Math.floor(sequence / 50)],
    enabled: asked && !isFixed,
    queryFn: () =>
      answered(
        api.POST("/v1/channels/{channel}/reputation/simulate", {
          params: { path: { channel } },
          // What is left out is as the API has it by default.
          body: { clean_hours: 24 } as Schemas["WhatIf"],
        }),
      ) as Promise<Schemas["Forecast"]>,
  });
  if (isFixed) return null;
  return (
    <details onToggle={(event) => setAsked(event.currentTarget.open)}>
      <summary>If it stays clean</summary>
      {asked && (
        <Loaded query={query} what="The forecast">
          {({ slower, reaches_slowest }) =>
            slower.length === 0 ? (
              <p className="muted">It is watched as seldom as its policy allows already.</p>
            ) : (
              <>
                <ol className="channel-forecast">
                  {slower.map((step) => (
                    <li key={step.clean_hours}>
                      {step.clean_hours} clean {step.clean_hours === 1 ? "hour" : "hours"} → every{" "}
                      {interval(step.interval_ms)}
                    </li>
                  ))}
                </ol>
                {!reaches_slowest && (
                  <p className="muted">Its policy's slowest would take more than 1,000 clean hours.</p>
                )}
              </>
            )
          }
        </Loaded>
      )}
    </details>
  );
}

type How = "pin" | "by" | "release";

function SetReputation({ channel, now }: { channel: string; now: ReputationNow }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <div>
        <Button onPress={() => setOpen(true)}>Set the reputation…</Button>
      </div>
      {open && <SetDialog channel={channel} now={now} onClose={() => setOpen(false)} />}
    </>
  );
}

const ENDS: readonly { hours: number | null; text: string }[] = [
  { hours: 1, text: "in an hour" },
  { hours: 24, text: "in a day" },
  { hours: 168, text: "in a week" },
  { hours: null, text: "when somebody changes it" },
];

function SetDialog({ channel, now, onClose }: { channel: string; now: ReputationNow; onClose: () => void }) {
  const [how, setHow] = useState<How>("pin");
  const [value, setValue] = useState(now.score.toFixed(2));
  const [hours, setHours] = useState<number | null>(24);
  const [why, setWhy] = useState("");
  const [sent, setSent] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const say = useSay();
  const client = useQueryClient();
  const number = Number(value);
  const isNumber = value.trim() !== "" && Number.isFinite(number);
  const isRight = how === "release" || (isNumber && number <= 1 && (how === "by" ? number >= -1 : number >= 0));
  const send = async () => {
    setSent(true);
    setFailure(null);
    try {
      await answered(
        api.PUT("/v1/channels/{channel}/reputation", {
          params: { path: { channel } },
          body: {
            change: how === "release" ? "release" : how === "pin" ? { pin: number } : { by: number },
            until:
              how === "release" || hours === null ? undefined : new Date(Date.now() + hours * 3_600_000).toISOString(),
            why: why.trim(),
          },
        }),
      );
      say("calm", `The reputation of ${channel} is set.`);
      void client.invalidateQueries({ queryKey: ["reputation", channel] });
      void client.invalidateQueries({ queryKey: ["history", channel] });
      onClose();
    } catch (error) {
      setFailure(said(error));
      setSent(false);
    }
  };
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Set the reputation of ${channel}`}
      confirm="Set it"
      onConfirm={() => void send()}
      disabled={sent || !isRight || why.trim() === ""}
    >
      <p className="muted">
        It is {now.score.toFixed(2)} now. This tunes how closely the channel is watched, and nothing else.
      </p>
      <fieldset className="channel-choices">
        <legend className="unseen">What to do</legend>
        {(
          [
            ["pin", "Pin it at a value"],
            ["by", "Raise or lower it by"],
            ...(now.adjusted ? [["release", "Let go what was set"] as const] : []),
          ] as const
        ).map(([id, text]) => (
          <label key={id} className="row">
            <input
              type="radio"
              name="how"
              checked={how === id}
              onChange={() => {
                setHow(id);
                setValue(id === "by" ? "0.10" : now.score.toFixed(2));
              }}
            />
            {text}
          </label>
        ))}
      </fieldset>
      {how !== "release" && (
        <div className="row channel-set">
          <label className="field">
            <span>{how === "pin" ? "Value, 0 to 1" : "By, −1 to 1"}</span>
            <input
              className="text number"
              inputMode="decimal"
              value={value}
              aria-invalid={!isRight}
              onChange={(event) => setValue(event.target.value.replace(",", ".").replace("−", "-"))}
            />
          </label>
          <label className="field">
            <span>It ends</span>
            <select
              className="text"
              value={String(hours)}
              onChange={(event) => setHours(event.target.value === "null" ? null : Number(event.target.value))}
            >
              {ENDS.map((end) => (
                <option key={end.text} value={String(end.hours)}>
                  {end.text}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <label className="field">
        <span>Why (recorded)</span>
        <textarea className="text" maxLength={2000} value={why} onChange={(event) => setWhy(event.target.value)} />
      </label>
      {failure && (
        <p className="note" data-tone="broken" role="alert">
          <strong>It was not set.</strong> {failure}
        </p>
      )}
    </Confirm>
  );
}

export function CadenceHistory({ steps }: { steps: readonly Step[] }) {
  const all = steps.toReversed();
  const [first, rest] = [all.slice(0, 8), all.slice(8)];
  return (
    <section className="stack tight">
      <h3>Cadence</h3>
      {all.length === 0 ? (
        <p className="muted">It did not change in this time.</p>
      ) : (
        <>
          <Cadences steps={first} />
          {rest.length > 0 && (
            <details>
              <summary>{rest.length} earlier</summary>
              <Cadences steps={rest} />
            </details>
          )}
        </>
      )}
    </section>
  );
}

function Cadences({ steps }: { steps: readonly Step[] }) {
  return (
    <Wide label="Cadence">
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col" className="n">
              Every
            </th>
            <th scope="col">Because</th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step.sequence}>
              <td>
                <Moment at={step.at} />
              </td>
              <td className="n">
                {step.from !== null && step.from !== step.to && (
                  <span className="unseen">{step.to < step.from ? "closer: " : "less closely: "}</span>
                )}
                {step.from !== null && step.from !== step.to && (
                  <span aria-hidden="true">{step.to < step.from ? "▾ " : "▴ "}</span>
                )}
                {interval(step.to)}
              </td>
              <td>
                {causeWords(step.because)}
                {step.set && <span className="muted">; {setWords(step.set)}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
