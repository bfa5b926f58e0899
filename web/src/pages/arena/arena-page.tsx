// Providers held against each other, by what was recorded of them: what each was asked and cost, what people said to its
// warnings, how two agree, and what a new model version changed. Each figure stands with what it rests on.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { answered, api, Refused } from "../../api/client";
import { Button, Loaded, Moment } from "../../design/parts";
import type { Arena } from "./figures";
import { Calls, Categories, Changes, Pairs, Screens, Warnings } from "./tables";
import "./arena.css";

/** Upheld rates that one may want, in percent. */
const WANTED = [80, 90, 95] as const;
/** It takes seconds of the server's work: asked for anew when somebody comes back after a while. */
const STALE_MS = 300_000;

export default function ArenaPage() {
  const [search, setSearch] = useSearchParams();
  const wanted = WANTED.find((wanted) => String(wanted) === search.get("wanted")) ?? 90;
  const query = useQuery({
    queryKey: ["arena", wanted],
    queryFn: () => answered(api.GET("/v1/arena", { params: { query: { wanted } } })) as Promise<Arena>,
    staleTime: STALE_MS,
    refetchOnWindowFocus: false,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="arena">
      <div className="page-head">
        <h1>Providers</h1>
        <fieldset className="row arena-wanted">
          <legend className="unseen">The upheld rate that is wanted</legend>
          {WANTED.map((rate) => (
            <Button
              key={rate}
              look={rate === wanted ? "main" : undefined}
              aria-pressed={rate === wanted}
              onPress={() => setSearch({ wanted: String(rate) }, { replace: true })}
            >
              {rate}&nbsp;% upheld
            </Button>
          ))}
        </fieldset>
        <span className="spacer" />
        {query.data?.recorded_from && query.data.recorded_to && (
          <span className="muted">
            recorded <Moment at={query.data.recorded_from} /> to <Moment at={query.data.recorded_to} />
            {query.data.cut && ", what is older was not read"}
          </span>
        )}
      </div>
      {query.error instanceof Refused && query.error.status === 403 ? (
        <p className="empty">These figures are for those who publish policies on all channels. {query.error.message}</p>
      ) : (
        <Loaded query={query} what="The figures">
          {(arena) => (
            <>
              <Calls arena={arena} />
              <Warnings arena={arena} />
              <Screens arena={arena} />
              <Pairs arena={arena} />
              <Categories arena={arena} />
              <Changes arena={arena} />
            </>
          )}
        </Loaded>
      )}
    </div>
  );
}
