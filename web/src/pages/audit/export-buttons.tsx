// Takes a list of events away as one file, says how far it is, and goes on where it broke off.

import { useEffect, useRef, useState } from "react";
import { said } from "../../api/client";
import { Button } from "../../design/parts";
import { useSay } from "../../design/toasts";
import { Exporting, type Keep, keepAs, type Progress, tidy } from "./export";
import "./export.css";

export type ExportForm = "ndjson" | "csv";

interface ExportButtonsProps {
  /** Of an export in that form, with a query. */
  addressOf: (form: ExportForm) => string;
  /** Of the file, without its ending. */
  name: string;
}

interface Run {
  exporting: Exporting;
  keep: Keep;
  stop: AbortController;
  form: ExportForm;
}

export function ExportButtons({ addressOf, name }: ExportButtonsProps) {
  const [run, setRun] = useState<Run | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const say = useSay();
  const running = useRef<Run | null>(null);
  useEffect(() => {
    void tidy().catch(() => undefined); // what is left there harms nobody
    return () => {
      running.current?.stop.abort();
      void running.current?.keep.drop();
    };
  }, []);
  const over = () => {
    running.current = null;
    setRun(null);
    setProgress(null);
    setFailure(null);
  };
  const go = async (run: Run) => {
    running.current = run;
    setRun(run);
    setFailure(null);
    try {
      await run.exporting.run(run.stop.signal);
      say("calm", "The export is whole.");
      over();
    } catch (error) {
      if (!run.stop.signal.aborted) setFailure(said(error));
    }
  };
  const begin = async (form: ExportForm) => {
    try {
      const keep = await keepAs(`${name}.${form}`);
      const exporting = new Exporting({ address: addressOf(form), hasHeader: form === "csv" }, keep, setProgress);
      await go({ exporting, keep, form, stop: new AbortController() });
    } catch (error) {
      say("broken", `Nothing could be exported: ${said(error)}`);
    }
  };
  const giveUp = () => {
    run?.stop.abort();
    void run?.keep.drop();
    over();
  };
  if (!run) {
    return (
      <>
        <Button onPress={() => void begin("ndjson")}>Export as NDJSON</Button>
        <Button onPress={() => void begin("csv")}>Export as CSV</Button>
      </>
    );
  }
  const share = shareOf(progress);
  return (
    <fieldset className="export">
      <legend className="unseen">Export</legend>
      <progress max={100} value={share} aria-label={`Export as ${run.form.toUpperCase()}`} />
      <span className="number">
        {share.toFixed(0)}&nbsp;%{progress && progress.bytes > 0 && `, ${(progress.bytes / 1e6).toFixed(1)} MB`}
      </span>
      {failure && (
        <span className="export-failure" role="alert">
          It broke off: {failure}
        </span>
      )}
      {failure && <Button onPress={() => void go(run)}>Go on</Button>}
      <Button onPress={giveUp}>Give up</Button>
    </fieldset>
  );
}

/** In percent of the places that there are. */
function shareOf(progress: Progress | null): number {
  if (!progress || progress.last <= progress.begin) return 0;
  return (100 * (progress.at - progress.begin)) / (progress.last - progress.begin);
}
