/**
 * Which way to candidates did for whom, as a worker remembers it for five minutes. It saves the ways that would not do, and says nothing of what may be
 * shown: each way asks row level security.
 */

/** In addition to what is common to all feeds; from the few posts that they may read; from all sources together, since too little of what is common is theirs. */
export type RetrievalStrategy = "common" | "few" | "all";

/** In milliseconds. */
const keptFor = 300_000;
/** So many people twice: who came since as many did, and who had come before them. */
const generation = 10_000;

export function createStrategyMemory(now: () => number = () => performance.now()) {
  const of = (sub: string | undefined): RetrievalStrategy | undefined => {
    const kept = young.get(sub ?? "") ?? old.get(sub ?? "");
    return kept && kept.until > now() ? kept.way : undefined;
  };
  let [young, old] = [
    new Map<string, { way: RetrievalStrategy; until: number }>(),
    new Map<string, { way: RetrievalStrategy; until: number }>(),
  ];
  let last: RetrievalStrategy = "common";
  /** For how many people in a row, each counted once, only all sources did. */
  let onlyAll = 0;
  let guesses = 0;
  return {
    /** The strategy that worked for a user (undefined: for visitors); undefined: none is known. */
    of,
    /**
     * A guess for a user without a known strategy: the last that worked, so that organisations' users ask once.
     * After three in a row that needed all sources, all sources; every eighth guess tries again.
     */
    guess: (): RetrievalStrategy => (onlyAll >= 3 && ++guesses % 8 > 0 ? "all" : last),
    keep(sub: string | undefined, way: RetrievalStrategy): void {
      if (way !== "all") onlyAll = 0;
      else if (of(sub) !== "all") onlyAll++;
      young.set(sub ?? "", { way, until: now() + keptFor });
      if (young.size > generation) [young, old] = [new Map(), young];
      // one who reads more than a few, and less than most, says nothing of others
      if (way !== "all") last = way;
    },
  };
}
