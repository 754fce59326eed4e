/** How soon trials find the best posts, in simulated communities. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Chooser,
  enough,
  equalShares,
  greedy,
  posts as number,
  tryPosts,
  world,
} from "../../../../../testing/trials.ts";
import { planExploration } from "./exploration.ts";

const community = { usual: -2.5, quality: 0.8, taste: 0.8, insight: 0.3 };

/** As a page draws, where little is known of such a share of the readers. */
const drawnWith =
  (shareOfNew: number): Chooser =>
  (left, rate, uniform) => {
    const known = new Map(left.map(({ post, trial }) => [post.post_id, trial]));
    const isKnown = uniform() >= shareOfNew;
    const place = { trial_place: 1, trial_impressions: enough };
    const draw = planExploration(place, { known, since: 0, rate }, 0, 1, isKnown, uniform)?.draw(left);
    assert.ok(draw);
    return draw.number;
  };
const drawn = drawnWith(0);

test("of 300 posts four fifths of the best tenth end their trial in three quarters of the places in which equal shares end none", (t) => {
  // in which each post could be shown 48 times
  const places = 48 * number;
  const wanted = 0.8 * (number / 10);
  for (const seed of [1, 2]) {
    const community_ = world(seed, community);
    const [byDraw, byShares, byRanker] = [drawn, equalShares, greedy].map((choose) =>
      tryPosts(community_, choose, places, seed),
    );
    const after = (outcome: { found: number[] }) => outcome.found.findIndex((found) => found >= wanted) + 1;
    t.diagnostic(
      `seed ${seed}: ${wanted} of the best 30 after ${after(byDraw)} places, by the ranker alone after ${after(byRanker) || "more than 14,400"}; ` +
        `acted on ${byDraw.acted.at(-1)}, in equal shares ${byShares.acted.at(-1)}`,
    );
    assert.equal(byShares.found.at(-1), 0);
    assert.ok(byDraw.found[places - 1] >= wanted);
    assert.ok(byDraw.found[places * 0.75] >= wanted, `${byDraw.found[places * 0.75]} found`);
    assert.ok(byDraw.found[places / 2] > byRanker.found[places / 2]);
    assert.ok(byDraw.acted[places - 1] > byShares.acted[places - 1]);
    // ten places a post
    assert.equal(byDraw.unshown[10 * number - 1], 0);
    assert.ok(byRanker.unshown[10 * number - 1] > number / 2, "while the ranker alone leaves most of them unseen");
  }
});

test("where little is known of half of the readers, all posts are shown and the best are found as soon, and these readers act on more", (t) => {
  const places = 0.75 * 48 * number;
  for (const seed of [1, 2]) {
    const community_ = world(seed, community);
    const [known, mixed] = [0, 0.5].map((share) => tryPosts(community_, drawnWith(share), places, seed));
    const acted = [known, mixed].map((outcome) => outcome.acted[3_000]);
    t.diagnostic(`seed ${seed}: ${acted.join(" and ")} of 3,000 places acted on`);
    assert.ok(mixed.found[places - 1] >= 0.8 * (number / 10), `${mixed.found[places - 1]} found`);
    assert.equal(mixed.unshown[10 * number - 1], 0);
    assert.ok(acted[1] > 1.15 * acted[0]);
  }
});
