/** What a worker keeps of posts is what the database has of them, whatever is rolled up, taken back, re-embedded or read at the same time; and what it kept is not asked for again. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import type { Connection } from "../_shared/database/database.ts";
import { createPostCache, readPostSnapshots } from "../_shared/recommend/post-cache/post-cache.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool } = await testDatabase({ after }, "known_posts");
const random = new Random(1);
const { posts, people } = await fillManyPosts(pool);
// the first ten have no vector
const model = await publishVectors({ pool }, posts.slice(10), unitVectors(random, posts.length - 10));
await pool.query("select recsys.activate_model($1)", [model]);

/** How many posts were read. */
let read = 0;
const connection: Connection = {
  async query(text, values) {
    if (text.includes("recsys_engine.post_snapshots(")) read += ((values ?? [])[1] as string[]).length;
    return (await pool.query(text, values as unknown[])) as never;
  },
  release: () => undefined,
};
const role = "postgres";

async function versionNow(): Promise<number> {
  const { rows } = await pool.query("select version from recsys_engine.feature_store_version");
  return Number(rows[0].version);
}

const kept = createPostCache();
async function ask(ids: string[], cache = kept) {
  const version = await versionNow();
  await cache.advance(connection, role, version);
  return await cache.of(connection, role, model, version, ids);
}
const truth = (ids: string[]) =>
  readPostSnapshots({ ...connection, query: pool.query.bind(pool) as never }, role, model, ids);
const some = (count: number) => Array.from({ length: count }, () => posts[random.below(posts.length)]);

test("whatever people do between feeds, it is what the database has", async () => {
  for (let i = 0; i < 40; i++) {
    const [post, person] = [posts[random.below(posts.length)], people[random.below(people.length)]];
    const change = random.below(4);
    if (change === 0)
      await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [person, post]);
    if (change === 1) await pool.query("delete from public.post_views where post_id = $1", [post]);
    if (change === 2) await pool.query("delete from public.comments where user_id = $1", [person]);
    if (change === 3)
      await pool.query(
        "insert into public.post_votes (user_id, post_id) select $1, id from public.posts order by md5(id::text || $2) limit 50",
        [person, String(i)],
      );
    await pool.query("select recsys.roll_up()");
    const ids = [...new Set([post, ...some(300)])];
    assert.deepEqual(await ask(ids), await truth(ids), `change ${i}`);
  }
});

test("what was read once is not read again, but for what a roll-up wrote, and what has no vector yet", async () => {
  await ask(posts);
  read = 0;
  await ask(posts);
  assert.equal(read, 10, "those without a vector");
  await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [people[0], posts[500]]);
  await pool.query("select recsys.roll_up()");
  read = 0;
  await ask(posts);
  assert.equal(read, 11);
});

test("a vector that is remade is told by the next roll-up", async () => {
  await ask([posts[20]]);
  await pool.query("update public.posts set title = 'again' where id = $1", [posts[20]]);
  const { rows } = await pool.query(
    `with mine as (select * from recsys_engine.claim_embedding_jobs(10000, '1 minute') where kind = 'post')
     select min(claim) as claim, array_agg(kind) as kinds, array_agg(entity_id) as ids from mine`,
  );
  const [{ claim, kinds, ids }] = rows;
  assert.ok(ids.includes(posts[20]));
  const vector = [...Array(31).fill(0), 1];
  await pool.query("select recsys_engine.complete_embedding_jobs($1, $2, $3, $4, $5)", [
    claim,
    model,
    kinds,
    ids,
    ids.map(() => JSON.stringify(vector)),
  ]);
  await pool.query("select recsys.roll_up()");
  const [{ embedding }] = await ask([posts[20]]);
  assert.deepEqual(embedding && [...embedding], vector);
});

test("what was read before a roll-up of which the worker has heard since is not kept", async () => {
  const cache = createPostCache();
  const before = await versionNow();
  await cache.advance(connection, role, before);
  await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [people[1], posts[700]]);
  await pool.query("select recsys.roll_up()");
  await ask([posts[3]], cache);
  read = 0;
  // a request that began before
  await cache.of(connection, role, model, before, [posts[700]]);
  await ask([posts[700]], cache);
  assert.equal(read, 2, "it is asked for again");
});

test("a worker that missed a roll-up forgets everything", async () => {
  await ask(posts);
  for (let i = 0; i < 3; i++) {
    await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [people[2], posts[800 + i]]);
    await pool.query("select recsys.roll_up()");
  }
  await pool.query(
    "delete from recsys_engine.rolled_up_posts where version = (select version - 1 from recsys_engine.feature_store_version)",
  );
  read = 0;
  assert.deepEqual(await ask(posts), await truth(posts));
  assert.equal(read, posts.length);
});
