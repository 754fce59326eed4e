/**
 * How much is found of what does not age, by people of whom much, little and nothing is known: made-up communities of 1,880 people and 17,632 things
 * (shared/evergreen-community.ts), cut in time. `npm run bench -- evergreen [--seeds 1,2,3] [--dated month]`; with the latter everything is dated the first of its month.
 */

import { cutBaselines } from "../trainer/evaluation/baselines/all.ts";
import { sizesOf } from "../trainer/evaluation/evaluate.ts";
import { recallAt } from "../trainer/evaluation/metrics/list-metrics.ts";
import { meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { runCut } from "../trainer/evaluation/protocols/cut.ts";
import { table } from "../trainer/evaluation/report/table.ts";
import { SystemInCut } from "../trainer/evaluation/system/system-in-cut.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { evergreenCut, writeEvergreenCommunity } from "./shared/evergreen-community.ts";
import { commandOptions, loadCommunity, numbersIn, openFolder, openScope } from "./shared/workspace.ts";

const { seeds, dated } = commandOptions({ seeds: "1,2,3", dated: "exactly" });
const slices = ["no act, follow nobody", "no act, follow people", "1 to 9 acts", "10 or more", "all"];

const backend = await startBackend();
/** Of each seed, recommender and slice the people and what is found of theirs. */
const found = new Map<string, { people: number; of20: number; of100: number }[][]>();
for (const seed of numbersIn(seeds))
  for (const [name, ofSlices] of await evaluate(seed)) found.set(name, [...(found.get(name) ?? []), ofSlices]);
const each = (ofSeeds: { of20: number; of100: number }[]) =>
  `${meanOf(ofSeeds.map(({ of20 }) => of20)).toFixed(3)} (${ofSeeds.map(({ of20 }) => of20.toFixed(3)).join(", ")}), ${meanOf(ofSeeds.map(({ of100 }) => of100)).toFixed(3)}`;
const rows = [...found].map(([name, ofSeeds]) => [name, ...slices.map((_, s) => each(ofSeeds.map((of) => of[s])))]);
const people = slices.map((name, s) => `${name} (${[...found.values()][0].map((of) => of[s].people).join(", ")})`);
console.log(
  `R@20 (of each community), R@100; everything dated ${dated}; ${backend}\n\n${table(["", ...people], rows)}`,
);

/** Trains everything on the time before the cut, and asks for those who interacted with something after it. */
async function evaluate(seed: number) {
  await using scope = openScope();
  const folder = await openFolder(scope);
  await writeEvergreenCommunity(folder, { seed, monthly: dated === "month" });
  const { loaded, scoreWeights } = await loadCommunity(folder);
  // as of an app whose people may read what those do whom they follow
  const community = { ...loaded.community, readable: undefined };
  const { interactions, follows } = community;
  const acts = new Int32Array(community.users.ids.length);
  for (const [i, user] of interactions.users.entries()) if (interactions.at[i] < evergreenCut) acts[user]++;
  const follow = new Set(follows && Array.from(follows.users).filter((_, i) => follows.at[i] < evergreenCut));
  const sliceOf = (user: number) => (acts[user] >= 10 ? 3 : acts[user] > 0 ? 2 : follow.has(user) ? 1 : 0);
  const system = new SystemInCut(evergreenCut, { seed, scoreWeights });
  const results = await runCut(community, { split: evergreenCut, seed }, [
    system,
    ...cutBaselines(sizesOf(community), follows),
  ]);
  return results.map(({ name, lists }) => {
    const ofSlices = slices.map((_, s) => {
      const those = lists.filter(({ user }) => s === slices.length - 1 || sliceOf(user) === s);
      const recall = (k: number) => meanOf(those.map(({ ranks }) => recallAt(k, ranks, ranks.length)));
      return { people: those.length, of20: recall(20), of100: recall(100) };
    });
    return [name, ofSlices] as const;
  });
}
