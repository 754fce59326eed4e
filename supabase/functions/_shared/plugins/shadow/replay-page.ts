/**
 * Replays a page place by place with another model below the posts that really stand there: the chance of the same post, and both
 * models' expected reward by the served ranker. Each drawn place is a decision whose context is the user and the posts above.
 */
import { kinds } from "../../features/kinds.ts";
import type { FeedSettings } from "../../recommend/request/feed-settings.ts";
import type { ScoredPost } from "../../recommend/scoring/score.ts";
import { candidatePool, drawProbabilities } from "../../recommend/selection/candidate-pool.ts";
import type { SelectedPost } from "../../recommend/selection/select-page.ts";
import type { ShadowScores } from "./shadow-scores.ts";

/** A place of the page. */
export interface ReplayedPlace {
  /** What stands there, as the model that served ranked it. */
  served: ScoredPost;
  /** The same post as the shadow ranks it; null: it cannot. */
  shadow: ScoredPost | null;
  /** The chance with which the shadow would have given it the place; null: it was there to be explored. */
  propensity: number | null;
  /** null: the place was not drawn. */
  drawn: DrawnPlace | null;
}

/** Probabilities of view, vote and comment by the model that served, in the mean over what might have been drawn. */
export interface DrawnPlace {
  /** The chance with which the shadow would have drawn one of the posts that could be drawn. */
  support: number;
  /** Over what the shadow would have drawn. */
  expected: number[];
  /** Over what was drawn from. */
  servedExpected: number[];
  /** The shadow's chance of a post through that by which it was drawn: its square and its third power, in the mean over what was drawn from. */
  weightSquared: number;
  weightCubed: number;
}

/** The places of a page of `limit` that was `selected` from `ranked`; sorts both models' posts. */
export function replayPage(
  selected: SelectedPost<ScoredPost>[],
  ranked: ScoredPost[],
  { candidates, scored }: ShadowScores,
  { limit, beginsFeed }: { limit: number; beginsFeed: boolean },
  settings: FeedSettings,
): ReplayedPlace[] {
  const served = candidatePool(ranked, limit, settings, beginsFeed);
  const shadow = candidatePool(scored, limit, settings, beginsFeed);
  const byId = new Map(scored.map((each) => [each.post.post_id, each]));
  const servedById = new Map(ranked.map((each) => [each.post.post_id, each]));
  const shadowPlaces = new Map(shadow.posts.map(({ post }, i) => [post.post_id, i]));
  return selected.map(({ chosen, explored, drawn, folded = [] }) => {
    const id = chosen.post.post_id;
    const own = byId.get(id) ?? null;
    const place = shadowPlaces.get(id);
    let propensity: number | null = explored ? null : place !== undefined && shadow.best() === place ? 1 : 0;
    let drawnPlace: DrawnPlace | null = null;
    if (drawn) {
      const ofServed = drawProbabilities(served.values, settings.draw_temperature);
      // where the shadow holds all that is left for worthless it would give the place to its best
      const ofShadow =
        drawProbabilities(shadow.values, settings.draw_temperature) ?? certain(shadow.values.length, shadow.best());
      if (ofServed) {
        propensity = place === undefined ? 0 : ofShadow[place];
        const expected = kinds.map(() => 0);
        for (const [i, { post }] of shadow.posts.entries()) addTo(expected, servedById.get(post.post_id), ofShadow[i]);
        const servedExpected = kinds.map(() => 0);
        let [support, weightSquared, weightCubed] = [0, 0, 0];
        for (const [i, each] of served.posts.entries()) {
          if (ofServed[i] === 0) continue;
          addTo(servedExpected, each, ofServed[i]);
          const own = ofShadow[shadowPlaces.get(each.post.post_id) ?? -1] ?? 0;
          const weight = own / ofServed[i];
          support += own;
          weightSquared += own * weight;
          weightCubed += own * weight * weight;
        }
        drawnPlace = { support, expected, servedExpected, weightSquared, weightCubed };
      }
    }
    served.take(chosen);
    // penalties ask for its vector, also where the shadow cannot rank it
    const seen = candidates.get(id);
    if (own ?? seen) shadow.take(own ?? { score: chosen.score, post: seen ?? chosen.post });
    for (const each of folded) {
      served.leaveOut(each);
      const same = byId.get(each.post.post_id);
      if (same) shadow.leaveOut(same);
    }
    return { served: chosen, shadow: own, propensity, drawn: drawnPlace };
  });
}

function certain(length: number, place: number): Float64Array {
  const chances = new Float64Array(length);
  if (place >= 0) chances[place] = 1;
  return chances;
}

/** A post that cannot be ranked by the model that served is worth nothing to it. */
function addTo(sums: number[], post: ScoredPost | undefined, chance: number): void {
  const predictions = post?.predictions;
  if (predictions) for (const [head, kind] of kinds.entries()) sums[head] += chance * predictions[kind];
}
