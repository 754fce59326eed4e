/** A community of which only the latest events are read is, from that bound on, the same as the community read whole. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { eitherDatabase } from "../../../db/testing.ts";
import { Random } from "../../models/nn/random.ts";
import { rankingExamples } from "../../models/ranker/examples.ts";
import type { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import { requestsBetween } from "../../models/ranker/requests.ts";
import { randomVectors } from "../../models/ranker/testing.ts";
import { Histories } from "../../models/towers/histories.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { firstInteractions } from "./first-interactions.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "./from-database.ts";
import { addWhatCountsForNothing } from "./testing.ts";

const latest = 1200;
const database = await eitherDatabase({ after }, "bounded");
let whole: LoadedCommunity;
let bounded: LoadedCommunity;
/** Where the bound lies in the whole timeline. */
let start: number;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 5, users: 60, posts: 700, days: 200 });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await addWhatCountsForNothing(database);
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
  assert.ok(all.requests.length > 80, `${all.requests.length} requests`);
  const shift = whole.timeline.length - bounded.timeline.length;
  assert.deepEqual(
    some.requests.map((request) => ({ ...request, event: request.event + shift })),
    all.requests,
  );
  // a user with more than 200 interactions may be offered posts that they interacted with before those
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

test("thinning keeps no fewer events than training reads", async () => {
  const { rows } = await database.pool.query(
    "select pg_get_function_arguments('recsys_engine.prune_feature_store'::regproc) as arguments",
  );
  assert.match(rows[0].arguments, new RegExp(`^p_keep bigint DEFAULT ${trainingEvents},`));
});

test("when older states are thinned, training and feeds are told the same as before", async () => {
  const { pool } = database;
  const from = whole.timeline.at[start] + 1;
  const recent = async () => {
    const { rows } = await pool.query(
      "select user_id, recsys_engine.recent_interactions(user_id, recsys.clock()) as recent from recsys.source_users order by user_id",
    );
    return rows as { user_id: string; recent: { at: number; last_active_at: number | null }[] }[];
  };
  const before = await recent();
  const examples = await examplesOf(bounded, from);
  const stored = async () => {
    const { rows } = await pool.query(
      "select (select count(*) from recsys_engine.post_stats)::integer as posts, (select count(*) from recsys_engine.user_stats)::integer as users",
    );
    return rows[0] as { posts: number; users: number };
  };
  const all = await stored();
  let thinned = 0;
  for (
    let call = 0;
    call === 0 ||
    (
      await pool.query(
        "select from recsys_engine.pruning_progress where after_id > '00000000-0000-0000-0000-000000000000'",
      )
    ).rowCount;
    call++
  )
    thinned += (await pool.query("select recsys_engine.prune_feature_store($1, 70) as rows", [latest])).rows[0].rows;
  const left = await stored();
  assert.equal(all.posts + all.users - left.posts - left.users, thinned);
  const { users, posts } = whole.community;
  // logins come on top of the interactions that are kept
  assert.ok(
    left.posts <= latest + posts.ids.length && left.users < 3 * latest + users.ids.length,
    JSON.stringify(left),
  );
  assert.ok(left.posts < all.posts / 2 && left.users < all.users / 2, JSON.stringify([all, left]));
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);

  const { rows: bounds } = await pool.query(
    "select (extract(epoch from thinned_before) * 1000)::double precision as at from recsys_engine.pruning_progress",
  );
  const older = before
    .flatMap((user) => user.recent)
    .filter(({ at, last_active_at }) => at < bounds[0].at && last_active_at !== null);
  assert.ok(older.length > 20, `${older.length} recent interactions lie before the thinned states`);
  assert.deepEqual(await recent(), before);

  const again = await communityFromDatabase(database, () => {}, latest);
  assert.deepEqual(again.community, bounded.community);
  const examplesAgain = await examplesOf(again, from);
  assert.deepEqual(examplesAgain.requests, examples.requests);
  for (const column of ["found", "posts", "weights", "dense", "categories"] as const)
    assert.deepEqual(examplesAgain[column], examples[column], column);
  // a read of everything gets what was not thinned
  const everything = await communityFromDatabase(database);
  assert.ok(everything.timeline.wholeFrom > 0 && everything.timeline.length >= again.timeline.length);
  const histories = new Histories(everything.community, Number.POSITIVE_INFINITY);
  const kept = new Histories(bounded.community, Number.POSITIVE_INFINITY);
  for (const user of users.ids.keys()) assert.deepEqual(histories.latest(user, from), kept.latest(user, from));
});

/** Whether the bound made the model forget interactions of a user. */
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
    acts: new Float64Array(requests.length).fill(Number.POSITIVE_INFINITY),
    followNobody: new Uint8Array(requests.length),
  };
  const options = { rows: 400, hardNegatives: 400, unseenWeight: 1, random: new Random(3) };
  const part = { until: requests.length, users, postVectors: vectors };
  return rankingExamples(community, timeline, requests, [part], options);
}

function rowsOf(examples: RankingExamples, column: "found" | "posts" | "weights" | "dense" | "categories", r: number) {
  const width = examples[column].length / examples.requests.length;
  return [...examples[column].subarray(r * width, (r + 1) * width)];
}
