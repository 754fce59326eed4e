/**
 * Which posts under trial get the place of a page, and how soon the good ones are found: `npm run bench -- trials [--seeds 3]`. 300 posts, readers
 * who come one after another and act by known chances, and a place for each reader; a trial ends after 50 readers.
 */
import { randomBeta } from "d3-random";
import { exploration } from "../supabase/functions/_shared/recommend/select/exploration.ts";
import { type Chooser, enough, equalShares, greedy, posts, tryPosts, type Ways, world } from "../testing/trials.ts";
import { table } from "../trainer/evaluation/report/table.ts";
import { optionsOf } from "./shared/place.ts";

const seeds = Array.from({ length: Number(optionsOf({ seeds: "3" }).seeds) }, (_, i) => i + 1);

/** Draws from a beta distribution that expects `chance` with the weight of so many readers. */
function thompson(weight: number, chance: (predicted: number, usual: number) => number): Chooser {
  return (left, usual, uniform) => {
    let [best, highest] = [-1, -1];
    for (const { number, trial, predicted } of left) {
      const expected = weight * Math.min(0.99, chance(predicted, usual));
      const { impressions, acted } = trial;
      const value = randomBeta.source(uniform)(expected + acted, weight - expected + impressions - acted)();
      if (value > highest) [best, highest] = [number, value];
    }
    return best;
  };
}

/** As a page draws. */
const ours: Chooser = (left, rate, uniform) => {
  const known = new Map(left.map(({ post, trial }) => [post.post_id, trial]));
  const settings = { trial_place: 1, trial_impressions: enough };
  const drawn = exploration(settings, { known, since: 0, rate }, 0, 1, uniform)?.draw(left);
  if (!drawn) throw new Error("no post is under trial any more");
  return drawn.number;
};

const half = (predicted: number, usual: number) => (predicted + usual) / 2;
const choosers: Record<string, Chooser> = {
  "equal shares": equalShares,
  "the ranker's best": greedy,
  "drawn; usual": thompson(10, (_, usual) => usual),
  "drawn; ranker": thompson(10, (predicted) => predicted),
  "drawn; half and half (ours)": ours,
  "… as 5 readers": thompson(5, half),
  "… as 20 readers": thompson(20, half),
  "drawn; ranker, 5 times too low": thompson(10, (predicted) => predicted / 5),
  "drawn; half and half, the same": thompson(10, (predicted, usual) => half(predicted / 5, usual)),
};
const communities: Record<string, Ways> = {
  "one in ten is acted on": { usual: -2.5, quality: 0.8, taste: 0.8, insight: 0.3 },
  "and tastes differ more": { usual: -2.5, quality: 0.8, taste: 1.4, insight: 0.3 },
  "one in thirty is acted on": { usual: -4, quality: 0.8, taste: 0.8, insight: 0.3 },
};

const places = 48 * posts;
for (const [name, ways] of Object.entries(communities)) {
  const rows = Object.entries(choosers).map(([chooser, choose]) => {
    const outcomes = seeds.map((seed) => tryPosts(world(seed, ways), choose, places, seed));
    const mean = (of: (outcome: (typeof outcomes)[number]) => number) =>
      Math.round(outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length);
    const after = outcomes.map(({ found }) => found.findIndex((n) => n >= 0.08 * posts) + 1);
    return [
      chooser,
      after.map((n) => n || "–").join(", "),
      ...[3_000, 6_000].flatMap((n) => [
        mean((o) => o.found[n - 1]),
        mean((o) => o.unshown[n - 1]),
        mean((o) => o.acted[n - 1]),
      ]),
    ].map(String);
  });
  console.log(`\n${name}, seeds ${seeds.join(", ")}\n`);
  console.log(
    table(
      ["the place goes to", "24 of 30 after", "found by 3,000", "unshown", "acted", "by 6,000", "unshown", "acted"],
      rows,
    ),
  );
}
