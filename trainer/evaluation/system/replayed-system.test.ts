/** The system and what is compared on its candidates: the same answers in any order, computed once. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { communityFromDatabase, type LoadedCommunity } from "../../data/replay/from-database.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { fillSmallCommunity } from "../../testing.ts";
import { quickConfig } from "../../training/config/testing.ts";
import { sideBySide } from "../metrics/ranker-metrics.ts";
import type { Recommender } from "../protocols/recommender.ts";
import { type ReplayResult, runReplay } from "../protocols/replay.ts";
import { rankerBaselines } from "../ranker-baselines/ranked-by.ts";
import { ReplayedSystem } from "./replayed-system.ts";
import { System, TowersAlone } from "./system.ts";

const pipeline = { seed: 1, scoreWeights: [0.2, 1, 1], config: quickConfig };
let loaded: LoadedCommunity;
let window: { validFrom: number; testFrom: number; sample: number };

before(async () => {
  await startBackend();
  const database = await eitherDatabase({ after }, "replayed_system");
  await fillSmallCommunity(database);
  loaded = await communityFromDatabase(database);
  const { at } = loaded.community.interactions;
  const testFrom = at[Math.floor(0.8 * at.length)];
  window = { validFrom: testFrom, testFrom, sample: 15 };
});

/** All recommenders over one replayed system, with what the rankers among them said. */
function recommendersOver(replayed: ReplayedSystem) {
  const system = new System(replayed);
  const baselines = rankerBaselines(replayed, pipeline.seed);
  return {
    recommenders: [system, ...baselines, new TowersAlone(replayed)] as Recommender[],
    lists: () => sideBySide([system, ...baselines].map((ranker) => ranker.lists)),
  };
}

test("every recommender gives the same, in whatever order they are asked, and alone", async () => {
  const { community } = loaded;
  const inOrder = recommendersOver(new ReplayedSystem(loaded, pipeline));
  const expected = await runReplay(community, window, inOrder.recommenders);
  const reversed = recommendersOver(new ReplayedSystem(loaded, pipeline));
  const results = await runReplay(community, window, reversed.recommenders.toReversed());
  assert.deepEqual(eventsOf(results.toReversed()), eventsOf(expected));
  assert.deepEqual(reversed.lists(), inOrder.lists());
  const [, trees] = recommendersOver(new ReplayedSystem(loaded, pipeline)).recommenders;
  assert.deepEqual(eventsOf(await runReplay(community, window, [trees])), eventsOf(expected.slice(1, 2)));
  // they differ from each other, so that the comparison says something
  const tops = expected.map(({ events }) => events.map(({ top }) => top.join()).join("|"));
  assert.equal(new Set(tops).size, 4);
});

test("trains once, and computes each list once for all who ask", async (t) => {
  const replayed = new ReplayedSystem(loaded, pipeline);
  const history = { community: loaded.community, ...window };
  await replayed.train(history);
  const { trainedModel } = replayed;
  const retrieval = t.mock.method(CommunityState.prototype, "candidates");
  const [{ events }] = await runReplay(loaded.community, window, recommendersOver(replayed).recommenders);
  assert.equal(events.length, window.sample);
  assert.equal(retrieval.mock.callCount(), window.sample);
  assert.equal(replayed.trainedModel, trainedModel);
});

test("an interaction at the same instant makes another list; the replay does not go back; the training set is released", async () => {
  const replayed = new ReplayedSystem(loaded, pipeline);
  const { interactions } = loaded.community;
  await replayed.train({ community: loaded.community, ...window });
  assert.ok(replayed.trainedOn.examples.requests.length > 0);
  const next = interactions.at.findIndex((at) => at >= window.testFrom);
  const [user, post, at] = [interactions.users[next], interactions.posts[next], interactions.at[next]];
  const before = await replayed.candidateList(user, at, next);
  const after = await replayed.candidateList(user, at, next + 1);
  assert.ok(before.posts.includes(post));
  assert.ok(!after.posts.includes(post));
  await assert.rejects(replayed.candidateList(user, at, next), /gone past/);
  assert.throws(() => replayed.trainedOn, /kept from training to the first list/);
});

function eventsOf(results: ReplayResult[]) {
  return results.map(({ name, events }) => ({ name, events }));
}
