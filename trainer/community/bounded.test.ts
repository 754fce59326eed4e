/** A community of which only the latest events are read is, from that bound on, the same as the community read whole. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../../db/import/import-bundle.ts";
import { testDatabase } from "../../db/testing.ts";
import { rankingExamples } from "../dlrm/examples.ts";
import type { RankingExamples } from "../dlrm/ranking-examples.ts";
import { requestsBetween } from "../dlrm/requests.ts";
import { randomVectors } from "../dlrm/testing.ts";
import { Random } from "../engine/random.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { Histories } from "../towers/histories.ts";
import { firstInteractions } from "./first-interactions.ts";
import { communityFromDatabase, type LoadedCommunity } from "./from-database.ts";
import { viewOwnPosts } from "./testing.ts";

const latest = 1200;
const database = await testDatabase({ after }, "bounded");
let whole: LoadedCommunity;
let bounded: LoadedCommunity;
/** Where the bound lies in the whole timeline. */
let start: number;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 5, users: 60, posts: 700, days: 200 });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await viewOwnPosts(database);
  whole = await communityFromDatabase(database);
  bounded = await communityFromDatabase(database, () => {}, latest);
  start = whole.timeline.length - (bounded.timeline.length - bounded.timeline.wholeFrom);
});

test("no more events are read whole than the bound says", () => {
  const { timeline } = bounded;
  const read = timeline.length - timeline.wholeFrom;
  assert.ok(read <= latest && read > 0.8 * latest, `${read} events were read`);
  assert.ok(whole.timeline.length > 3 * latest, `${whole.timeline.length} events are too few to leave some out`);
  const { users, posts } = whole.community;
  const states = timeline.wholeFrom - timeline.history;
  assert.ok(states > 0 && states <= users.ids.length + posts.ids.length);
});

test("users with more than 200 interactions before the bound keep the last 200", () => {
  const { timeline } = whole;
  const before = new Int32Array(whole.community.users.ids.length);
  for (let event = 0; event < start; event++) if (timeline.posts[event] >= 0) before[timeline.users[event]]++;
  const kept = new Int32Array(before.length);
  for (let event = 0; event < bounded.timeline.history; event++) kept[bounded.timeline.users[event]]++;
  assert.ok(
    before.some((count) => count > 200),
    "nobody had so many",
  );
  assert.deepEqual(
    kept,
    before.map((count) => Math.min(count, 200)),
  );
});

test("requests are the first interactions of the evaluation", () => {
  const { community, timeline } = whole;
  const requests = requestsBetween(community, timeline, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const { at, users, posts } = community.interactions;
  assert.deepEqual(
    requests.map((request) => [request.at, request.user, request.post]),
    Array.from(firstInteractions(community.posts, community.interactions), (i) => [at[i], users[i], posts[i]]),
  );
});

test("requests, candidates and features after the bound are those of the whole community", async () => {
  const from = whole.timeline.at[start] + 1;
  const all = await examplesOf(whole, from);
  const some = await examplesOf(bounded, from);
  assert.ok(all.requests.length > 100);
  const shift = whole.timeline.length - bounded.timeline.length;
  assert.deepEqual(
    some.requests.map((request) => ({ ...request, event: request.event + shift })),
    all.requests,
  );
  // somebody with more than 200 interactions may be offered what they interacted with before those
  const same = all.requests.flatMap(({ user }, r) => (isForgetful(user) ? [] : [r]));
  assert.ok(same.length > 0.8 * all.requests.length);
  for (const r of same)
    for (const column of ["found", "posts", "weights", "dense", "categories"] as const)
      assert.deepEqual(rowsOf(some, column, r), rowsOf(all, column, r), `${column} of request ${r}`);
});

test("users' histories after the bound are those of the whole community", () => {
  const from = whole.timeline.at[start];
  const histories = new Histories(whole.community, Number.POSITIVE_INFINITY);
  const kept = new Histories(bounded.community, Number.POSITIVE_INFINITY);
  for (const user of whole.community.users.ids.keys())
    for (const hours of [0, 10, 100])
      assert.deepEqual(kept.latest(user, from + hours * 3_600_000), histories.latest(user, from + hours * 3_600_000));
});

/** Whether the bound made somebody forget something. */
function isForgetful(user: number): boolean {
  const { users } = whole.community.interactions;
  const count = (of: Int32Array) => of.reduce((sum, each) => sum + (each === user ? 1 : 0), 0);
  return count(users) > count(bounded.community.interactions.users);
}

/** The candidates of each request, in an order that does not depend on the seed: all are rows. */
function examplesOf({ community, timeline }: LoadedCommunity, from: number): Promise<RankingExamples> {
  const requests = requestsBetween(community, timeline, from, Number.POSITIVE_INFINITY).filter((_, i) => i % 3 === 0);
  const vectors = randomVectors(new Random(1), community.posts.ids.length);
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  const users = {
    vectors: randomVectors(new Random(2), requests.length),
    histories: requests.map(({ user, at }) => histories.latest(user, at)),
  };
  const options = { rows: 400, hardNegatives: 400, random: new Random(3) };
  return rankingExamples(community, timeline, requests, users, vectors, options);
}

function rowsOf(examples: RankingExamples, column: "found" | "posts" | "weights" | "dense" | "categories", r: number) {
  const width = examples[column].length / examples.requests.length;
  return [...examples[column].subarray(r * width, (r + 1) * width)];
}
