/**
 * Compares the feeds of cold users who have a profile with rankings without a model and with true preferences: `npm run bench --
 * cold-users`. `--vectors` gives the towers vectors of posts and users (bench/encode.ts), `--post-vectors` those of posts.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoadedCommunity } from "../trainer/data/replay/from-database.ts";
import { communityEnd } from "../trainer/data/synthetic/calendar.ts";
import { firstVisits, type TruePreferences, truePreferences } from "../trainer/data/synthetic/true-preferences.ts";
import { mostRecent, popularity, recencyBaselineRecommender } from "../trainer/evaluation/baselines/simple.ts";
import { EventWalk } from "../trainer/evaluation/history/event-walk.ts";
import { meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { Exclusion, topOf } from "../trainer/evaluation/protocols/rank.ts";
import type { Recommender } from "../trainer/evaluation/protocols/recommender.ts";
import { table } from "../trainer/evaluation/report/table.ts";
import { ReplayedSystem } from "../trainer/evaluation/system/replayed-system.ts";
import { System, TowersAlone } from "../trainer/evaluation/system/system.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { benchmarkBundle, loadCommunity, openScope } from "./shared/workspace.ts";

const listSize = 20;
const encoder = fileURLToPath(new URL("encode.ts", import.meta.url));

const backend = await startBackend();
const runs: ColdUserMetrics[][] = [];
for (const seed of [1, 2, 3]) runs.push(await evaluateColdUsers(seed));
console.log(`cold users with a profile, three communities (${backend})\n\n${coldUserTable(runs)}`);

/** How good the top 20 of one ranking are, means over the cold users. */
interface ColdUserMetrics {
  name: string;
  /** Share of the posts they interact with in their first visits. What they are shown there is the simulation's choice: fresh, popular and topical. */
  recall: number;
  /** The users' true preference for the list, as a share of that for the best list there is. */
  utility: number;
  /** The same on a scale on which a list of random posts is 0. */
  utilityAboveRandom: number;
}

/**
 * Cold users signed up on the last day of a synthetic community and have done nothing yet. The system learns from everything that happened, then
 * ranks for each of them at the instant at which the community ends.
 */
async function evaluateColdUsers(seed: number): Promise<ColdUserMetrics[]> {
  await using scope = openScope();
  const folder = await benchmarkBundle(scope, undefined, { seed });
  // in a process of its own: it brings a TensorFlow.js that would take the place of ours
  if (process.argv.includes("--vectors")) execFileSync(process.execPath, [encoder, folder]);
  if (process.argv.includes("--post-vectors")) execFileSync(process.execPath, [encoder, folder, "posts"]);
  const { loaded, scoreWeights } = await loadCommunity(folder);
  const { community } = loaded;
  const sizes = { users: community.users.ids.length, posts: community.posts.ids.length };
  const preferences = truePreferences(seed);
  const replayed = new ReplayedSystem(loaded, { seed, scoreWeights });
  const recommenders: Recommender[] = [
    new System(replayed),
    new TowersAlone(replayed),
    popularity(sizes),
    popularity(sizes, 7 * 24),
    mostRecent(sizes),
    recencyBaselineRecommender(),
    trueRanking(loaded, preferences),
  ];
  const exclusion = new Exclusion(sizes);
  for (const event of new EventWalk(community).before(Number.POSITIVE_INFINITY)) {
    exclusion.observe(event);
    for (const recommender of recommenders) recommender.observe(event);
  }
  const history = { community, testFrom: Number.POSITIVE_INFINITY };
  for (const recommender of recommenders) await recommender.train?.(history);

  const userIds = community.users.externalIds ?? community.users.ids;
  const postIds = community.posts.externalIds ?? community.posts.ids;
  const visits = firstVisits(seed);
  const sums = recommenders.map(({ name }) => ({ name, hits: 0, utility: 0 }));
  const all = { visited: 0, best: 0, random: 0 };
  const scores = new Float64Array(sizes.posts);
  for (const [id, visited] of visits) {
    const user = userIds.indexOf(id);
    const candidates = exclusion.candidatesOf(user);
    const utilities = postIds.map((post) => preferences.score(id, post));
    for (const [r, recommender] of recommenders.entries()) {
      await recommender.scores(user, communityEnd, scores);
      const top = topOf(scores, candidates, listSize);
      for (const post of top) {
        sums[r].hits += Number(visited.includes(postIds[post]));
        sums[r].utility += utilities[post];
      }
    }
    const possible = utilities.filter((_, post) => candidates[post] === 1).sort((a, b) => b - a);
    all.visited += visited.length;
    all.best += possible.slice(0, listSize).reduce((sum, utility) => sum + utility, 0);
    all.random += (listSize / possible.length) * possible.reduce((sum, utility) => sum + utility, 0);
    exclusion.release(user);
  }
  return sums.map(({ name, hits, utility }) => ({
    name,
    recall: hits / all.visited,
    utility: utility / all.best,
    utilityAboveRandom: (utility - all.random) / (all.best - all.random),
  }));
}

/** Means over communities, for the terminal. */
function coldUserTable(runs: ColdUserMetrics[][]): string {
  const each = (r: number, metric: "recall" | "utility" | "utilityAboveRandom") => {
    const values = runs.map((run) => run[r][metric]);
    return `${meanOf(values).toFixed(3)} (${values.map((value) => value.toFixed(3)).join(", ")})`;
  };
  return table(
    ["ranking", "R@20", "utility", "utility, random = 0"],
    runs[0].map(({ name }, r) => [name, each(r, "recall"), each(r, "utility"), each(r, "utilityAboveRandom")]),
  );
}

/** Posts in the order of the user's true preference: what no recommender can beat. */
function trueRanking({ community: { users, posts } }: LoadedCommunity, preferences: TruePreferences): Recommender {
  const [userIds, postIds] = [users, posts].map(({ ids, externalIds }) => externalIds ?? ids);
  return {
    name: "true preferences",
    observe() {},
    scores(user, _at, out) {
      for (let post = 0; post < out.length; post++) out[post] = preferences.score(userIds[user], postIds[post]);
    },
  };
}
