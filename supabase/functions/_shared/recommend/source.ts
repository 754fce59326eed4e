import { type Source, sourceNames, sources } from "../features/retrieval.ts";

/** Why a candidate is shown: the source that ranks it best; of equals the more telling one. */
export function bestSource(ranks: Record<Source, number | null>): Source {
  return sourceNames.reduce((best, source) => {
    const [rank, least] = [ranks[source] ?? Infinity, ranks[best] ?? Infinity];
    if (rank !== least) return rank < least ? source : best;
    return sources[source].telling < sources[best].telling ? source : best;
  });
}
