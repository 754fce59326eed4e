/**
 * Which way to candidates did for whom, as a worker remembers it for five minutes. It saves the ways that would not do, and says nothing of what may be
 * shown: each way asks row level security.
 */

/** Beside what is common to all feeds; from the few posts that they may read; from all sources at once, since too little of what is common is theirs. */
export type Way = "common" | "few" | "all";

/** In milliseconds. */
const keptFor = 300_000;
/** So many people twice: who came since as many did, and who had come before them. */
const generation = 10_000;

export function openWays(now: () => number = () => performance.now()) {
  let [young, old] = [new Map<string, { way: Way; until: number }>(), new Map<string, { way: Way; until: number }>()];
  let last: Way = "common";
  return {
    /** The way that did for somebody (undefined: for visitors); undefined: none is known. */
    of(sub: string | undefined): Way | undefined {
      const kept = young.get(sub ?? "") ?? old.get(sub ?? "");
      return kept && kept.until > now() ? kept.way : undefined;
    },
    /** What may do for somebody of whom none is known: what did for whoever came last, or in a community of organisations everybody would be asked for twice. */
    guess: (): Way => last,
    keep(sub: string | undefined, way: Way): void {
      young.set(sub ?? "", { way, until: now() + keptFor });
      if (young.size > generation) [young, old] = [new Map(), young];
      // whoever reads more than a few, and less than most, says nothing of others
      if (way !== "all") last = way;
    },
  };
}
