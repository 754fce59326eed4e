import { type Source, sources } from "../features/ranker-features.ts";

/** Where a candidate came from: the source that ranks it best; of equals the more telling one. */
export function bestSource(ranks: Record<Source, number | null>): Source {
  const found = telling.filter((source) => ranks[source] !== null);
  return found.reduce(
    (best, source) => (place(ranks, source) < place(ranks, best) ? source : best),
    found[0] ?? sources[0],
  );
}

const telling: Source[] = ["similar", "followed", "trending", "active", "fresh"];

function place(ranks: Record<Source, number | null>, source: Source): number {
  return ranks[source] ?? Number.POSITIVE_INFINITY;
}
