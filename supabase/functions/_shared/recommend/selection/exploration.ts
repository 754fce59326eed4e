/**
 * Gives a place of the page to a post that few people were shown, chosen by Thompson sampling ("On the likelihood that one unknown probability
 * exceeds another", 1933; Chapelle and Li, "An Empirical Evaluation of Thompson Sampling", 2011) with a beta distribution a post.
 */
// @ts-types="npm:@types/d3-random@3.0.4"
import { randomBeta } from "d3-random";
import type { Predictions } from "../request/feed-schema.ts";
import type { FeedSettings } from "../request/feed-settings.ts";
import type { PositionFiller } from "./select-page.ts";
import type { Selectable, Standing } from "./selectable.ts";

/** Of so many places no more than one is for a trial: what it costs a feed, whatever the length of its pages. */
const onePlaceIn = 20;

/**
 * The weight of the expectation, in people who were shown the post. In simulations 5, 10 and 20 find the best equally soon;
 * 5 loses up to a fifth of the places' actions, and 20 leaves up to 14 of 300 posts unseen at ten places a post.
 */
const expectedFrom = 10;

/**
 * The same for a new reader, by the ranker alone. In the closed loop the place earns 0.55 instead of 0.22 (20 people: 0.50, 50:
 * 0.59), those beside it 0.68. In simulations with half of all readers new, 5 of 300 posts stay unseen at ten places a post.
 */
const expectedFromOfNew = 30;

/** Gives numbers from 0 up to 1, 1 left out, as Math.random does. */
export type Uniform = () => number;

/** How often a post was shown, to different people, and how many of them acted on it. */
export interface ExplorationCounts {
  impressions: number;
  acted: number;
}

/** How it stands with the posts under trial. */
export interface ExplorationStats {
  /** Counts of posts with impressions, by id. */
  known: ReadonlyMap<string, ExplorationCounts>;
  /** Only posts that are younger are under trial; in milliseconds since 1970. */
  since: number;
  /** What share of all these impressions was acted on. */
  rate: number;
}

/** What is drawn for a page: at which place of the feed, from 1, and from which of the candidates. */
export interface Exploration {
  place: number;
  /** One of those posts; undefined: none of them is under trial. */
  draw<Post extends ExplorationCandidate>(left: Post[]): Post | undefined;
}

/** What has to be known of a candidate. */
export interface ExplorationCandidate {
  post: { post_id: string; created_at: number; author_id?: string | null; standing?: Standing | null };
  /** null: no model ranked. */
  predictions?: Predictions | null;
}

type TrialSettings = Pick<FeedSettings, "trial_place" | "trial_impressions" | "newcomer_places">;

/** Whether anything is tried at all. */
export function isExplorationEnabled({ trial_place, trial_impressions }: TrialSettings): boolean {
  return trial_place > 0 && trial_impressions > 0;
}

/**
 * The place of a page for a post under trial, from 1, counted through the feed after `served` posts; null: none. It is
 * `first` and each 20th after it, one a page at most: always the same place, since only posts shown alike can be compared.
 */
export function explorationPosition(first: number, served: number, limit: number): number | null {
  const place = first + onePlaceIn * Math.max(0, Math.ceil((served + 1 - first) / onePlaceIn));
  return place <= served + limit ? place : null;
}

/** Gives the place of an exploration to the post that it draws. */
export function explorationFiller<Post extends Selectable & ExplorationCandidate>({
  place,
  draw,
}: Exploration): PositionFiller<Post> {
  return ({ position, left, pool }) => {
    // of a page of five the fifth place was one more of a group that had its four
    const chosen = position === place ? draw(left().filter((post) => !pool.isFull(post))) : undefined;
    return chosen && { chosen, explored: true, drawn: false, propensity: null };
  };
}

/** What a page of `limit` after `served` posts explores, for a reader who is known or of whom little is (feed-settings.ts); null: nothing. */
export function planExploration(
  settings: TrialSettings,
  trials: ExplorationStats | null,
  served: number,
  limit: number,
  isKnown: boolean,
  uniform: Uniform = Math.random,
): Exploration | null {
  if (!trials || !isExplorationEnabled(settings)) return null;
  const place = explorationPosition(settings.trial_place, served, limit);
  if (place === null) return null;
  const draw = <Post extends ExplorationCandidate>(left: Post[]) =>
    drawn(left, trials, settings.trial_impressions, isKnown, uniform);
  if (settings.newcomer_places === undefined) return { place, draw };
  // nine of ten feeds explore posts of others, however many newcomers write
  const triesNewcomers = uniform() < 0.1;
  const isFirst = ({ post }: ExplorationCandidate) => (post.standing === "newcomer") === triesNewcomers;
  return { place, draw: (left) => draw(left.filter(isFirst)) ?? draw(left) };
}

/**
 * The post under trial with the highest draw. One post of an author takes part, or an author of a thousand would
 * have nearly all trials.
 */
function drawn<Post extends ExplorationCandidate>(
  left: Post[],
  { known, since, rate }: ExplorationStats,
  enough: number,
  isKnown: boolean,
  uniform: Uniform,
): Post | undefined {
  let [best, highest]: [Post | undefined, number] = [undefined, -1];
  const betaOf = randomBeta.source(uniform);
  const drew = new Set<string>();
  for (const candidate of left) {
    const { post } = candidate;
    if (post.created_at <= since) continue;
    const { impressions, acted } = known.get(post.post_id) ?? untried;
    if (impressions >= enough) continue;
    if (post.author_id) {
      if (drew.has(post.author_id)) continue;
      drew.add(post.author_id);
    }
    const expected = expectation(candidate.predictions, rate, isKnown);
    const hits = expected.acted + acted;
    const value = betaOf(hits, expected.impressions + impressions - hits)();
    if (value > highest) [best, highest] = [candidate, value];
  }
  return best;
}

const untried: ExplorationCounts = { impressions: 0, acted: 0 };

/**
 * The expectation for a post without impressions, as so many people: half way between the ranker's prediction and the usual rate of new posts. By the
 * ranker alone up to 76 of 300 posts stay unseen, by the rate up to half of the actions are lost. New readers get the ranker's.
 */
function expectation(predictions: Predictions | null | undefined, rate: number, isKnown: boolean): ExplorationCounts {
  if (!predictions) return { impressions: expectedFrom, acted: expectedFrom * rate };
  const { view, vote, comment } = predictions;
  // the ranker may be sure
  const says = Math.min(0.99, 1 - (1 - view) * (1 - vote) * (1 - comment));
  return isKnown
    ? { impressions: expectedFrom, acted: (expectedFrom * (says + rate)) / 2 }
    : { impressions: expectedFromOfNew, acted: expectedFromOfNew * says };
}
