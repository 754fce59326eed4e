/** The policies that may choose the pages, by the names they are asked for. */
import type { Policy } from "./closed-loop.ts";
import { FacetCounts, Generator, LastActive, MostRecent, Popularity, TrueLaw } from "./simple-policies.ts";
import { SystemPolicy } from "./system-policy.ts";

type Make = (seed: number, print: (line: string) => void) => Policy;

/** The system with some settings of recsys.settings, as SQL. */
function system(name: string, settings?: string): Make {
  return (seed, print) => new SystemPolicy({ name, seed, settings, print });
}

export const policies: Record<string, Make> = {
  recent: () => new MostRecent(),
  active: () => new LastActive(),
  popular: () => new Popularity(7),
  "popular-ever": () => new Popularity(Number.POSITIVE_INFINITY),
  own: () => new Generator(),
  facets: () => new FacetCounts(false),
  "facets-profile": () => new FacetCounts(true),
  law: () => new TrueLaw(),
  system: system("the system"),
  "system-untried": system("the system, no trials", "trial_place = 0"),
  "system-plain": system("the system, by score alone", "diversity = 0, author_decay = 1, trial_place = 0"),
};
