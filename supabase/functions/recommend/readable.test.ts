/**
 * A user who may read more than few posts, and less than half of all, gets candidates from these, which a feed names once:
 * the sources then skip others' posts without the app's policies. Details of them are read under the caller's own role.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type pg from "pg";
import { testDatabase } from "../../../db/testing.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool } = await testDatabase({ after }, "readable");
const random = new Random(1);

const { posts, people } = await fillManyPosts(pool, 7200);
const modelId = await publishVectors({ pool }, posts, unitVectors(random, posts.length));
await pool.query("select recsys.activate_model($1)", [modelId]);
// three organisations of 2,400 posts
await pool.query(`
  alter table public.posts add column organisation integer;
  update public.posts set organisation = ('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 3;
  create index on public.posts (organisation);
  create table public.members (user_id uuid primary key, organisation integer not null);
  insert into public.members select id, row_number() over (order by id) % 3 from public.profiles;
  grant select on public.members to authenticated;
  drop policy "public posts and one's own are readable" on public.posts;
  create policy "those of one's organisation" on public.posts for select to authenticated
    using (organisation = (select organisation from public.members where members.user_id = (select auth.uid())));
  analyze`);
const vector = JSON.stringify([...vectorAt(unitVectors(random, 1), 0)]);
const sources = "recsys_engine.retrieve($1, $2, $3::text::extensions.vector, recsys.clock())";
const candidates =
  "recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid, 'model_id', $2::bigint, 'embedding', $3::text, 'seed', 7, 'served', '{}'))";

/** Asks in a transaction of a user, which begins as the service role. */
async function asked<Result>(sub: string, ask: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const claims = JSON.stringify({ sub, role: "authenticated" });
    await client.query("select set_config('role', 'service_role', true), set_config('request.jwt.claims', $1, true)", [
      claims,
    ]);
    return await ask(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** The candidates of a feed, by post. */
async function candidatesOf(sub: string): Promise<Map<string, Record<string, number>>> {
  return await asked(sub, async (client) => {
    const { rows } = await client.query(`select ${candidates} as found`, [sub, modelId, vector]);
    const { posts, ranks } = rows[0].found;
    return new Map((posts.post_id ?? []).map((id: string, i: number) => [id, ranks[i]]));
  });
}

/** The same by the sources alone, each under the caller's role, and the nearest of what they may read. */
async function walkedOf(sub: string) {
  return await asked(sub, async (client) => {
    await client.query("select set_config('role', 'authenticated', true)");
    const { rows } = await client.query(`select post_id, ranks from ${sources}`, [sub, modelId, vector]);
    const { rows: few } = await client.query(
      "select cardinality(recsys_engine.small_readable_set(0)) as named, count(*)::integer as all from public.posts",
    );
    const nearest = await client.query(
      `select post_id from recsys.post_embeddings join public.posts on posts.id = post_id
       where model_id = $2 and author_id is distinct from $1
         and not exists (select from recsys.source_interactions where source_interactions.user_id = $1 and source_interactions.post_id = posts.id)
       order by (embedding operator(extensions.<#>) $3::text::extensions.vector) + 0, post_id limit 100`,
      [sub, modelId, vector],
    );
    return { rows, few: few[0], nearest: nearest.rows.map(({ post_id }) => post_id) };
  });
}

/** A feed brings what walks under the caller's role bring, with the same ranks, and of what is nearest nine in ten; `isNamed`: what may be read is. */
async function assertAsWalked(sub: string, isNamed: boolean): Promise<void> {
  const [found, { rows, few, nearest }] = [await candidatesOf(sub), await walkedOf(sub)];
  assert.ok(few.all > 2000);
  assert.equal(few.named, isNamed ? few.all : null);
  assert.ok(found.size > 350);
  const without = (all: Iterable<[string, Record<string, number>]>) =>
    [...all]
      .map(([id, { similar: _, ...ranks }]) => ({ id, ranks }))
      .filter(({ ranks }) => Object.keys(ranks).length > 0)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(without(found), without(rows.map(({ post_id, ranks }) => [post_id, ranks])));
  const similar = [...found].filter(([, { similar }]) => similar).sort(([, a], [, b]) => a.similar - b.similar);
  // of an author a tenth comes before all others'
  assert.ok(nearest.filter((id) => similar.some(([found]) => found === id)).length >= 90);
}

test("what may be read is named, and brings what walks bring", async () => {
  for (const sub of people.slice(0, 4)) await assertAsWalked(sub, true);
});

test("where too much may be read to be named, each source walks", async () => {
  await pool.query(
    "create policy more on public.posts for select to authenticated using (('x' || substr(md5(id::text), 8, 7))::bit(28)::integer % 7 < 2)",
  );
  for (const sub of people.slice(0, 4)) await assertAsWalked(sub, false);
  await pool.query("drop policy more on public.posts");
});

test("whoever goes over to another organisation has its posts in the next feed and no other, whatever was named before", async () => {
  const [member, other] = people;
  const organisationOf = async (ids: Iterable<string>) => {
    const { rows } = await pool.query(
      "select distinct organisation from public.posts where id = any ($1) order by organisation",
      [[...ids]],
    );
    return rows.map(({ organisation }) => organisation);
  };
  const membership = "select organisation from public.members where user_id = $1";
  for (const to of [2, 0, 1]) {
    await pool.query("update public.members set organisation = $2 where user_id = $1", [member, to]);
    assert.deepEqual(await organisationOf((await candidatesOf(member)).keys()), [to]);
    const { rows } = await pool.query(membership, [other]);
    assert.deepEqual(await organisationOf((await candidatesOf(other)).keys()), [rows[0].organisation]);
  }
  await pool.query("delete from public.members where user_id = $1", [member]);
  assert.equal((await candidatesOf(member)).size, 0);
});

test("of posts that somebody may not read nothing is told, though sources ranked them", async () => {
  const other = people[1];
  const told = await asked(other, async (client) => {
    await client.query("select set_config('role', 'authenticated', true)");
    const { rows } = await client.query(
      `select post_id from recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request($1, recsys.clock()),
         array(select row(id, '{"fresh": 1}')::recsys_engine.ranked_post from unnest($2::uuid[]) as id))`,
      [other, posts],
    );
    return rows.map(({ post_id }) => post_id);
  });
  const { rows } = await pool.query(
    "select id from public.posts where organisation = (select organisation from public.members where user_id = $1)",
    [other],
  );
  assert.deepEqual(told.sort(), rows.map(({ id }) => id).sort());
});
