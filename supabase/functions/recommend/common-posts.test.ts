/**
 * A worker keeps what is common to all feeds, and asks for the rest: that brings every caller what recsys_engine.retrieve brings them, whatever
 * was written, deleted, hidden, muted or served meanwhile. Where too little of what is common is left for a caller, it says so.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { courses } from "../../../testing/courses.ts";
import { publishVectors, randomNeighbours, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import { type Connection, run } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import type { PostCandidate } from "../_shared/recommend/context/user-state.ts";
import { emptyServedState, type Served } from "../_shared/recommend/request/cursor.ts";
import { createGlobalCandidatesCache } from "../_shared/recommend/sources/global-candidates.ts";
import { retrieve } from "../_shared/recommend/sources/retrieve.ts";
import { testApp } from "./testing.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await eitherDatabase({ after }, "common_posts");
const random = new Random(1);

const { posts, people } = await fillManyPosts(pool);
// two of three follow people and topics, some of whose posts are hidden from them
await pool.query(
  `insert into public.follows (user_id, kind, target)
   select ($1::uuid[])[n], 'topic', 'Topic ' || (n + more) % 7 from generate_series(1, 40) as n, generate_series(1, n % 3 * 2) as more
   union all
   select ($1::uuid[])[n], 'person', ($1::uuid[])[1 + (n + more) % 40]::text from generate_series(1, 40) as n, generate_series(1, n % 3) as more`,
  [people],
);
const vectors = unitVectors(random, posts.length);
const modelId = await publishVectors({ pool }, posts, vectors, { neighbours: randomNeighbours(random, posts) });
await pool.query("select recsys.activate_model($1)", [modelId]);
await pool.query("analyze");

/** As the function has them: statements travel together. */
const connections = openPool(url, () => undefined);
after(() => connections.end());
const kept = createGlobalCandidatesCache();

interface Both {
  /** null: too little is left. */
  cached: PostCandidate[] | null;
  all: PostCandidate[];
}

/** A user's candidates both ways, in one transaction of theirs, without the index of vectors, which brings nearly the nearest. */
async function bothWays(sub: string, vector: Float32Array | null, served: Served, mayKeep = kept): Promise<Both> {
  return await asCaller(sub, async (client) => {
    await client.query("set local enable_indexscan = off");
    const now = "select 1000 * date_part('epoch', recsys.clock()) as now";
    const [clock] = await run<{ now: number }>(client, { text: now, values: [] });
    const model = vector && modelId;
    const common = await mayKeep.of(client, "authenticated", 1, clock.now);
    const caller = { sub, role: "authenticated" };
    const cached = await retrieve(client, caller, { modelId: model, vector, page: { served }, common });
    assert.deepEqual((await client.query("select current_user::text as role")).rows, [{ role: "authenticated" }]);
    const all = await retrieve(client, caller, { modelId: model, vector, page: { served }, common: null });
    return { cached: cached && sorted(cached.posts), all: sorted(all?.posts ?? []) };
  });
}

async function asCaller<Result>(sub: string, use: (client: Connection) => Promise<Result>): Promise<Result> {
  const client = await connections.connect();
  try {
    await client.query("begin read only");
    const claims = JSON.stringify({ sub, role: "authenticated" });
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      claims,
    ]);
    return await use(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const sorted = (candidates: PostCandidate[]) => candidates.sort((a, b) => (a.post_id < b.post_id ? -1 : 1));
const somebody = () => people[random.below(people.length)];
const anyVector = () => vectorAt(unitVectors(random, 1), 0);

test("everybody gets what recsys_engine.retrieve brings, page after page, with a model and without", async () => {
  let whole = 0;
  const readers = 4 * courses.length;
  for (let i = 0; i < readers; i++) {
    const served = emptyServedState();
    const [reader, vector] = [somebody(), random.below(4) === 0 ? null : anyVector()];
    for (let page = 0; page < 3; page++) {
      const { cached, all } = await bothWays(reader, vector, served);
      if (cached) assert.deepEqual(cached, all, `reader ${i}, page ${page}`);
      if (!cached) whole++;
      assert.ok(all.length > 300);
      served.keys.push(...all.slice(7, 22).map(({ served_key }) => served_key));
    }
  }
  assert.ok(whole <= 0.3 * readers, `the common posts were too few for ${whole} of ${3 * readers} pages`);
});

test("what is withheld from strangers is there for who follows its author alone, both ways", async () => {
  await pool.query(
    "insert into public.withheld (author_id, post_id) select author_id, id from public.posts where author_id is not null and md5(id::text) < '1'",
  );
  const { rows } = await pool.query("select array_agg(post_id) as ids from public.withheld");
  const ids = new Set(rows[0].ids);
  const told = [];
  // all of them: on some days a fifth of these people follows no author of such a post
  for (const person of people.slice(0, 12)) {
    const { cached, all } = await bothWays(person, anyVector(), emptyServedState());
    assert.deepEqual(withoutKeys(cached), withoutKeys(all));
    told.push(...all.filter(({ post_id }) => ids.has(post_id)));
  }
  assert.ok(told.length > 0 && told.every(({ follows_author }) => follows_author));
  await pool.query("delete from public.withheld");
});

test("what was written, deleted, hidden, muted and dismissed since is in the next feed, and out of it", async () => {
  const [reader, other] = people;
  const vector = anyVector();
  const before = await bothWays(reader, vector, emptyServedState());
  const [gone, hidden, muted, dismissed] = before.all.filter(({ author_id }) => author_id !== other);
  await pool.query("insert into public.posts (author_id, title, created_at) values ($1, 'since', now())", [other]);
  await pool.query("delete from public.posts where id = $1", [gone.post_id]);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [hidden.post_id]);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', $2)", [reader, muted.title]);
  await pool.query("insert into recsys.dismissals (user_id, post_id, created_at) values ($1, $2, now())", [
    reader,
    dismissed.post_id,
  ]);
  const after = await bothWays(reader, vector, emptyServedState());
  assert.deepEqual(withoutKeys(after.cached), withoutKeys(after.all));
  const since = after.cached?.find(({ title }) => title === "since");
  assert.deepEqual(since && [since.ranks.fresh, since.ranks.active, since.embedding], [1, 1, null]);
  const left = new Set(after.cached?.map(({ post_id }) => post_id));
  for (const { post_id } of [gone, hidden, muted, dismissed]) assert.ok(!left.has(post_id));
  await pool.query("delete from public.mutes; delete from recsys.dismissals");
});

/** Keys are made with the seed of each feed. */
const withoutKeys = (candidates: PostCandidate[] | null) => candidates?.map((post) => ({ ...post, served_key: 0 }));

test("who may read too little of what is common is asked for in full, and a worker's answer is whole", async () => {
  await pool.query("update public.posts set visibility = 'private' where created_at > now() - interval '40 days'");
  const { cached, all } = await bothWays(people[3], anyVector(), emptyServedState());
  assert.equal(cached, null);
  assert.ok(all.length > 300);
  const { status, body } = await testApp({ after }, url).call(people[3], { limit: 100 });
  assert.equal(status, 200);
  assert.equal(body.items.length, 100);
  await pool.query("update public.posts set visibility = 'public'");
});

test("posts that lie nearest to somebody, and that they may not read, take no place from others", async () => {
  const vector = anyVector();
  const nearest = `select post_id from recsys.post_embeddings order by embedding operator(extensions.<#>) $1::extensions.vector limit 200`;
  await pool.query(`update public.posts set visibility = 'private' where id in (${nearest})`, [
    JSON.stringify([...vector]),
  ]);
  const { cached, all } = await bothWays(people[3], vector, emptyServedState());
  assert.equal(cached, null);
  assert.equal(all.filter(({ ranks }) => ranks.similar !== null).length, 100);
  await pool.query("update public.posts set visibility = 'public'");
});

test("the nearest posts of somebody, which they dismissed, are no reason to read the whole feed again", async () => {
  const vector = anyVector();
  await pool.query(
    `insert into recsys.dismissals (user_id, post_id, created_at)
     select $1, post_id, now() from recsys.post_embeddings order by embedding operator(extensions.<#>) $2::extensions.vector limit 90`,
    [people[3], JSON.stringify([...vector])],
  );
  const { cached, all } = await bothWays(people[3], vector, emptyServedState());
  assert.equal(all.filter(({ ranks }) => ranks.similar !== null).length, 100);
  assert.deepEqual(withoutKeys(cached), withoutKeys(all));
  await pool.query("delete from recsys.dismissals");
});

/** Brings back, when it is called, who wrote what. */
async function authorsAsTheyAre(): Promise<() => Promise<unknown>> {
  const { rows } = await pool.query("select id, author_id from public.posts");
  const authors =
    "update public.posts set author_id = before.author_id from json_populate_recordset(null::public.posts, $1) as before where posts.id = before.id";
  return () => pool.query(authors, [JSON.stringify(rows)]);
}

test("where an author's surplus would take places, or all of theirs that is kept is known, a worker asks all sources", async () => {
  const [reader, many] = [people[5], people[7]];
  const restore = await authorsAsTheyAre();
  await pool.query("update public.posts set author_id = $1 where substr(id::text, 1, 1) < '6'", [many]);
  const both = async () => await bothWays(reader, null, emptyServedState(), createGlobalCandidatesCache());
  const { cached, all } = await both();
  assert.deepEqual(withoutKeys(cached), withoutKeys(all));
  const byMany = all.filter(({ author_id }) => author_id === many).map(({ post_id }) => post_id);
  const byOthers = all.filter(({ author_id, ranks }) => author_id !== many && ranks.active !== null);
  const latest = await pool.query(
    "select id from public.posts left join recsys_engine.latest_post_stats on post_id = id where author_id = $1 order by greatest(last_active_at, created_at) desc limit 150",
    [many],
  );
  let asked = 0;
  for (const known of [
    // of others' posts fewer and fewer are left of those that a worker keeps, until they are fewer than a source brings
    ...Array.from({ length: 16 }, (_, i) => byOthers.slice(0, 10 * i).map(({ post_id }) => post_id)),
    // and of the author's none
    [...byMany, ...latest.rows.map(({ id }) => id)],
  ]) {
    await pool.query(
      "insert into recsys.dismissals (user_id, post_id, created_at) select $1, unnest($2::uuid[]), now() on conflict do nothing",
      [reader, known],
    );
    const found = await both();
    if (found.cached) assert.deepEqual(withoutKeys(found.cached), withoutKeys(found.all), `${known.length} known`);
    else asked++;
    await pool.query("delete from recsys.dismissals");
  }
  assert.ok(asked > 0 && asked < 17, `${asked} of 17`);
  // who muted the author may have none of theirs
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [reader, many]);
  const muted = await both();
  assert.deepEqual(withoutKeys(muted.cached), withoutKeys(muted.all));
  await pool.query("delete from public.mutes");
  await restore();
});

test("of the nearest posts an author has a tenth before all others, and where too few are left, a worker asks all sources", async () => {
  const [reader, many, vector] = [people[5], people[7], anyVector()];
  const restore = await authorsAsTheyAre();
  for (const [flood, does] of [
    [50, true],
    [100, false],
  ] as const) {
    await pool.query(
      `update public.posts set author_id = $1
       where id in (select post_id from recsys.post_embeddings order by embedding operator(extensions.<#>) $2::extensions.vector limit $3)`,
      [many, JSON.stringify([...vector]), flood],
    );
    const { cached, all } = await bothWays(reader, vector, emptyServedState(), createGlobalCandidatesCache());
    const near = all.filter(({ ranks }) => ranks.similar !== null);
    assert.equal(near.length, 100);
    assert.equal(near.filter(({ author_id }) => author_id === many).length, 10);
    assert.deepEqual(withoutKeys(cached), does ? withoutKeys(all) : undefined);
  }
  await restore();
});

test("what is common is read again after a roll-up, after ten seconds, and where the clock went back", async () => {
  const cache = createGlobalCandidatesCache();
  const at = async (now: number, featureStore = 1) =>
    await asCaller(people[0], (client) => cache.of(client, "authenticated", featureStore, now));
  const now = Date.now();
  const first = await at(now);
  const since = first.at;
  assert.equal(await at(since + 9_000), first);
  assert.notEqual(await at(since + 9_000, 2), first);
  const second = await at(since + 9_000, 2);
  assert.notEqual(await at(second.at + 11_000, 2), second);
  const third = await at(second.at + 9_000, 2);
  assert.notEqual(await at(third.at - 60_000, 2), third);
});

test("nobody but the service role may ask for what is common", async () => {
  await asCaller(people[0], async (client) => {
    await client.query("savepoint asking");
    await assert.rejects(client.query("select recsys_engine.global_candidates(now())"), /permission denied/);
    await client.query("rollback to asking");
    const asking =
      "select recsys_engine.feed_candidates(jsonb_build_object('role', 'service_role', 'user_id', $1::uuid))";
    await assert.rejects(client.query(asking, [people[1]]), /permission denied/);
  });
});
