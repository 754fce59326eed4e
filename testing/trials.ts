/**
 * A simulation of trials: 300 new posts with known rates of action, readers who come one after another, and one place for each of them. An
 * action depends on the quality of the post, which is unknown beforehand, and on the reader's taste, which the ranker mostly knows.
 */

import type { Predictions } from "../supabase/functions/_shared/recommend/request/feed-schema.ts";
import type {
  ExplorationCandidate,
  ExplorationCounts,
} from "../supabase/functions/_shared/recommend/selection/exploration.ts";
import { Random } from "../trainer/models/nn/random.ts";

export const posts = 300;
/** To how many readers a post is shown. */
export const enough = 50;
const readers = 500;
const interests = 4;

/** How the community is: in logits. */
export interface Ways {
  /** Of a post of which nothing is known. */
  usual: number;
  /** How much posts differ in how good they are, and how much the readers' tastes do. */
  quality: number;
  taste: number;
  /** How much the ranker knows of how good a post is: the correlation. */
  insight: number;
}

export interface TrialWorld {
  /** The chance that a reader acts on a post, and what the ranker says it is. */
  chance(reader: number, post: number): number;
  predicted(reader: number, post: number): number;
  /** The tenth of the posts that readers act on most. */
  best: ReadonlySet<number>;
}

export function world(seed: number, { usual, quality, taste, insight }: Ways): TrialWorld {
  const random = new Random(seed);
  const normals = (n: number) => Array.from({ length: n }, () => random.normal());
  const good = normals(posts).map((x) => quality * x);
  const guessed = good.map((x) => insight * (insight * x + Math.sqrt(1 - insight ** 2) * quality * random.normal()));
  const [tastes, topics] = [readers, posts].map((n) => Array.from({ length: n }, () => normals(interests)));
  const liking = (reader: number, post: number) =>
    (taste / Math.sqrt(interests)) * tastes[reader].reduce((sum, x, i) => sum + x * topics[post][i], 0);
  const [chances, predictions] = [new Float64Array(readers * posts), new Float64Array(readers * posts)];
  const means = good.map(() => 0);
  for (let reader = 0; reader < readers; reader++)
    for (let post = 0; post < posts; post++) {
      const liked = liking(reader, post);
      chances[reader * posts + post] = sigmoid(usual + good[post] + liked);
      predictions[reader * posts + post] = sigmoid(usual + guessed[post] + 0.8 * liked);
      means[post] += chances[reader * posts + post] / readers;
    }
  const order = [...means.keys()].sort((a, b) => means[b] - means[a]);
  return {
    chance: (reader, post) => chances[reader * posts + post],
    predicted: (reader, post) => predictions[reader * posts + post],
    best: new Set(order.slice(0, posts / 10)),
  };
}

/** Who chooses: the number of one of the posts under trial, for a reader. */
export type Chooser = (left: TrialCandidate[], rate: number, uniform: () => number) => number;

/** A post under trial, to one reader. */
export interface TrialCandidate extends ExplorationCandidate {
  number: number;
  trial: ExplorationCounts;
  predicted: number;
  predictions: Predictions;
}

export interface TrialOutcome {
  /** How many of the best tenth were shown to enough readers, after so many places. */
  found: number[];
  /** How many posts stayed unseen. */
  unshown: number[];
  /** How many places were acted on. */
  acted: number[];
}

/** Gives places to what `choose` says, and counts. [i] of each: after i + 1 places. */
export function tryPosts(
  { chance, predicted, best }: TrialWorld,
  choose: Chooser,
  places: number,
  seed: number,
): TrialOutcome {
  const random = new Random(seed);
  const uniform = () => random.uniform();
  const trials = Array.from({ length: posts }, () => ({ impressions: 0, acted: 0 }));
  const outcome: TrialOutcome = { found: [], unshown: [], acted: [] };
  let [found, unshown, acted] = [0, posts, 0];
  for (let place = 1; place <= places; place++) {
    const reader = random.below(readers);
    const left: TrialCandidate[] = [];
    for (const [number, trial] of trials.entries()) {
      if (trial.impressions >= enough) continue;
      const p = predicted(reader, number);
      const predictions = { view: p, vote: 0, comment: 0 };
      left.push({ number, trial, predicted: p, predictions, post: { post_id: String(number), created_at: 1 } });
    }
    const number = choose(left, (acted + 1) / (place - 1 + 20), uniform);
    const trial = trials[number];
    if (trial.impressions === 0) unshown--;
    if (++trial.impressions === enough && best.has(number)) found++;
    if (uniform() < chance(reader, number)) {
      trial.acted++;
      acted++;
    }
    outcome.found.push(found);
    outcome.unshown.push(unshown);
    outcome.acted.push(acted);
  }
  return outcome;
}

/** Each post is shown as often as any other. */
export const equalShares: Chooser = (left) =>
  left.reduce((least, each) => (each.trial.impressions < least.trial.impressions ? each : least)).number;

/** What the ranker likes most. */
export const greedy: Chooser = (left) =>
  left.reduce((best, each) => (each.predicted > best.predicted ? each : best)).number;

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
