import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../../trainer/models/nn/random.ts";
import { sourceNames } from "../../features/retrieval.ts";
import type { Predictions } from "../request/feed-schema.ts";
import {
  type ExplorationCounts,
  type ExplorationStats,
  explorationFiller,
  explorationPosition,
  planExploration,
} from "./exploration.ts";
import { selectPage } from "./select-page.ts";
import type { Selectable } from "./selectable.ts";

const ranks = Object.fromEntries(sourceNames.map((source) => [source, null])) as Selectable["post"]["ranks"];
const settings = { trial_place: 5, trial_impressions: 50 };
const random = new Random(1);
const uniform = () => random.uniform();

interface Given {
  age?: number;
  author?: string | null;
  predictions?: Predictions | null;
}

/** A post that is `age` days old, at an instant at which a week ago is 0. */
function candidate(post_id: string, score: number, { age = 30, author = null, predictions = null }: Given = {}) {
  const known = { title: post_id, author_id: author, embedding: null, ranks };
  return { score, predictions, post: { post_id, created_at: 7 - age, ...known } };
}

const old = (n: number) => Array.from({ length: n }, (_, i) => candidate(`old ${i}`, 1 / (i + 2)));
const young = (n: number, score = 0.001) =>
  Array.from({ length: n }, (_, i) => candidate(`new ${i}`, score, { age: 1 }));
const trials = (known: Record<string, ExplorationCounts> = {}, rate = 0.1): ExplorationStats => ({
  known: new Map(Object.entries(known)),
  since: 0,
  rate,
});

/** Which posts of a page are explored, and at which places of the feed. */
function explored(
  candidates: ReturnType<typeof candidate>[],
  limit: number,
  { served = 0, of = trials(), with: set = settings as typeof settings, isKnown = true } = {},
): [string, number][] {
  const explore = planExploration(set, of, served, limit, isKnown, uniform);
  const page = selectPage(
    [...candidates],
    limit,
    { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 },
    served,
    explore ? [explorationFiller(explore)] : [],
  );
  assert.equal(page.length, Math.min(limit, candidates.length));
  assert.equal(new Set(page.map(({ chosen }) => chosen)).size, page.length);
  return page.flatMap(
    ({ chosen, explored }, i) => (explored ? [[chosen.post.post_id, served + i + 1]] : []) as [string, number][],
  );
}

test("a page of any length, of any feed, has one trial at most, never above the set place, and no more than one of 20 places is one", () => {
  for (const first of [1, 2, 5, 20, 21, 77])
    for (const limit of [1, 3, 5, 10, 20, 33, 100]) {
      const places: number[] = [];
      for (let served = 0; served < 500; served += limit) {
        const place = explorationPosition(first, served, limit);
        if (place === null) continue;
        assert.ok(place > served && place <= served + limit);
        places.push(place);
      }
      for (const [i, place] of places.entries()) {
        assert.ok(place >= first);
        assert.equal((place - first) % 20, 0);
        if (i > 0) assert.ok(place - places[i - 1] >= 20);
      }
      // and a place that could be one is, where pages are short
      if (limit <= 20) assert.deepEqual(places.slice(0, 3), [first, first + 20, first + 40]);
    }
});

test("the place goes to a young post, through the pages of a feed", () => {
  const candidates = [...old(300), ...young(20)];
  for (let served = 0; served < 100; served += 20) {
    const [[id, place], ...others] = explored(candidates, 20, { served });
    assert.deepEqual(others, []);
    assert.equal(place, served + 5);
    assert.match(id, /^new/);
  }
  assert.deepEqual(explored(candidates, 4), []);
  assert.deepEqual(explored(candidates, 5).length, 1);
  assert.deepEqual(explored(candidates, 100).length, 1);
});

test("nothing is tried where either setting is 0, and where nobody says how trials stand", () => {
  const candidates = [...old(30), ...young(20)];
  assert.equal(planExploration({ ...settings, trial_place: 0 }, trials(), 0, 20, true), null);
  assert.equal(planExploration({ ...settings, trial_impressions: 0 }, trials(), 0, 20, true), null);
  assert.equal(planExploration(settings, null, 0, 20, true), null);
  assert.deepEqual(explored(candidates, 20, { with: { ...settings, trial_place: 0 } }), []);
});

test("a post that was shown enough, or is too old, is not tried; where none is left the best has the place", () => {
  const candidates = [...old(30), ...young(2), candidate("a week old", 0.001, { age: 7 })];
  const shown = (impressions: number) => ({ impressions, acted: impressions });
  for (let i = 0; i < 50; i++) {
    const [[id]] = explored(candidates, 20, { of: trials({ "new 0": shown(50) }) });
    assert.equal(id, "new 1");
  }
  assert.deepEqual(explored(candidates, 20, { of: trials({ "new 0": shown(50), "new 1": shown(51) }) }), []);
  assert.equal(explored(candidates, 20, { of: trials({ "new 0": shown(50), "new 1": shown(49) }) }).length, 1);
  assert.deepEqual(explored(old(30), 20), []);
});

test("one that is above by its score anyway leaves the place to another", () => {
  const candidates = [candidate("liked", 1, { age: 1 }), ...old(30), candidate("other", 0.001, { age: 1 })];
  for (let i = 0; i < 50; i++) assert.deepEqual(explored(candidates, 20), [["other", 5]]);
  assert.deepEqual(explored([...young(1, 1), ...old(30)], 20), []);
});

/** How often of 2,000 pages the first of 10 young posts is tried. */
function share(first: Given, of: ExplorationStats, isKnown = true): number {
  const candidates = [...old(30), candidate("first", 0.001, { age: 1, ...first }), ...young(9)];
  let count = 0;
  for (let i = 0; i < 2_000; i++) if (explored(candidates, 20, { of, isKnown })[0][0] === "first") count++;
  return count / 2_000;
}

test("who was acted on is drawn more often, who was not less, and none is never", () => {
  const [liked, same, disliked] = [20, 3, 0].map((acted) => share({}, trials({ first: { impressions: 30, acted } })));
  assert.ok(liked > 0.9, `${liked}`);
  // as many as expected of it: less is unknown than with others
  assert.ok(same > 0.01 && same < 0.1, `${same}`);
  assert.ok(disliked < same, `${disliked}`);
  const untried = share({}, trials());
  assert.ok(Math.abs(untried - 0.1) < 0.03, `${untried}`);
});

test("what the ranker expects counts half, so what it does not like at all is tried, too", () => {
  const predicted = (view: number) => share({ predictions: { view, vote: 0, comment: 0 } }, trials());
  const [hated, loved] = [predicted(0), predicted(0.9)];
  assert.ok(hated > 0.02 && hated < 0.08, `${hated}`);
  assert.ok(loved > 0.5, `${loved}`);
  // sure as it may be
  assert.ok(predicted(1) > 0.5);
});

test("of a reader of whom little is known it counts alone and three times as much, and without a ranker nothing does", () => {
  const candidates = [
    ...old(30),
    ...[0.5, 0.1, 0.1, 0.1].map((view, i) =>
      candidate(`new ${i}`, 0.001, { age: 1, predictions: { view, vote: 0, comment: 0 } }),
    ),
  ];
  const liked = (isKnown: boolean) => {
    let count = 0;
    for (let i = 0; i < 2_000; i++) if (explored(candidates, 20, { isKnown })[0][0] === "new 0") count++;
    return count / 2_000;
  };
  const [toKnown, toNew] = [liked(true), liked(false)];
  assert.ok(toKnown > 0.6 && toKnown < 0.85, `${toKnown}`);
  assert.ok(toNew > 0.98, `${toNew}`);
  // what came of showing it counts on
  const promising = { predictions: { view: 0.3, vote: 0, comment: 0 } };
  const despised = trials({ first: { impressions: 49, acted: 0 } });
  assert.ok(share(promising, trials(), false) > 0.5);
  assert.ok(share(promising, despised, false) < 0.1);
  const untried = share({}, trials(), false);
  assert.ok(Math.abs(untried - 0.1) < 0.03, `${untried}`);
});

test("what the ranker gives zeros or the smallest numbers, in a community where nobody acts, is drawn all the same", () => {
  for (const rate of [1e-9, 1 - 1e-9])
    assert.equal(explored([...old(30), ...young(3)], 20, { of: trials({}, rate) }).length, 1);
  const hated = { age: 1, predictions: { view: 0, vote: 0, comment: 0 } };
  const candidates = [...old(30), candidate("hated", 0.001, hated), candidate("hated, too", 0.001, hated)];
  assert.equal(explored(candidates, 20, { isKnown: false }).length, 1);
});

test("an author of a thousand new posts has as many trials as one of a single post", () => {
  const flood = Array.from({ length: 1000 }, (_, i) => candidate(`flood ${i}`, 0.001, { age: 1, author: "many" }));
  const few = Array.from({ length: 9 }, (_, i) => candidate(`few ${i}`, 0.001, { age: 1, author: `author ${i}` }));
  const all = planExploration(settings, trials(), 0, 20, true, uniform) ?? assert.fail();
  let ofMany = 0;
  for (let page = 0; page < 1000; page++) if (all.draw([...flood, ...few])?.post.author_id === "many") ofMany++;
  assert.ok(ofMany > 60 && ofMany < 140, `${ofMany} of 1,000 trials`);
});
