// Why a frame was judged as it was; for a frame that was not judged, that.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { decisionOf } from "../../api/decisions";
import { Loaded } from "../../design/parts";
import { Why } from "./why";

export function WhyOfFrame({ frame }: { frame: string }) {
  const query = useQuery({
    queryKey: ["decision", frame],
    queryFn: () => decisionOf(frame),
    staleTime: 30_000,
    placeholderData: (before) => before,
  });
  return (
    <section className="card" aria-label="Why">
      <Loaded query={query} what="The explanation">
        {(decision) => (
          <>
            <Why decision={decision} />
            <p>
              <Link href={`/decisions/${frame}`}>The whole decision</Link>
            </p>
          </>
        )}
      </Loaded>
    </section>
  );
}
