/** Feeds of an app with tables of its own, the blog of docs/adopting.md: ids, nulls, soft deletions, kinds, and views that nothing is served from. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type pg from "pg";
import { adoptedBlog, member } from "../../../adopt/testing-blog.ts";
import type { Database } from "../../../db/connect.ts";
import { createReverseScope, withoutPostgres } from "../../../db/testing.ts";
import { publishWordModel } from "../../../testing/embed.ts";
import { communityFromDatabase } from "../../../trainer/data/replay/from-database.ts";
import { rollUpAll } from "../../../trainer/data/replay/roll-up.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import type { SimilarPosts } from "../similar/api.ts";
import { similarFunction } from "../similar/handler.ts";
import { type TestApp, testFunction } from "../testing.ts";
import { testApp } from "./testing.ts";

const skip = await withoutPostgres();
const reader = member(7);
let database: Database;
let pool: pg.Pool;
let app: TestApp<Feed>;
let similar: TestApp<SimilarPosts>;
const scope = createReverseScope({ after });

before(async () => {
  if (skip) return;
  database = await adoptedBlog(scope, "adopted");
  pool = database.pool;
  await pool.query(`update recsys.settings set requests_per_minute = null;
    create index on blog.reads (recsys.id_of(post_id), created_at); create index on blog.reactions (recsys.id_of(post_id), created_at);
    create index on blog.comments (recsys.id_of(post_id), created_at); create index on blog.reads (member_id); create index on blog.reactions (member_id);
    create index on blog.comments (member_id)`);
  await rollUpAll(database, () => {});
  await publishWordModel(database, "words");
  app = testApp(scope, database.url);
  similar = testFunction(scope, database.url, similarFunction);
});
beforeEach(() => {
  app?.logged.splice(0);
});

async function feed(body: object = { limit: 50 }): Promise<Feed> {
  const answer = await app.call(reader, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(app.logged, []);
  return answer.body;
}

/** Everything that the reader may see, page by page: the numbers of the posts. */
async function everything(): Promise<number[]> {
  const found: number[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page: Feed = await feed({ limit: 100, ...(after && { after }) });
    found.push(...page.items.map(({ app_id }) => Number(app_id)));
    after = page.next;
  }
  return found.sort((a, b) => a - b);
}

test("a feed names each post as the app does", { skip }, async () => {
  const { items, degraded, model } = await feed();
  assert.deepEqual([items.length, degraded, model?.name], [50, null, "words"]);
  const { rows } = await pool.query("select id::text, recsys_id, title from blog.posts where recsys_id = any ($1)", [
    items.map(({ post_id }) => post_id),
  ]);
  const posts = new Map(rows.map((row) => [row.id, row]));
  for (const { app_id, post_id, title } of items)
    assert.deepEqual(posts.get(app_id), { id: app_id, recsys_id: post_id, title });
  const near = await similar.call(reader, { post_id: items[0].post_id, limit: 3 });
  for (const { app_id, title } of near.body.items)
    assert.equal(title, (await pool.query("select title from blog.posts where id = $1", [app_id])).rows[0].title);
  assert.equal(near.body.items.length, 3);
});

test("nothing is served from a view that is not security_invoker, in any way of asking", { skip }, async () => {
  await pool.query("update recsys.settings set trial_place = 0");
  for (const view of [
    "recsys.source_posts",
    "recsys.source_users",
    "recsys.source_interactions",
    "recsys.source_dismissals",
    "recsys.source_mutes",
    "recsys.source_follows",
    "recsys.source_preferences",
    "recsys.source_withheld",
    "recsys.source_conversations",
    "recsys.source_logins",
    "recsys.source_memberships",
    "recsys.source_post_scopes",
  ]) {
    await pool.query(`alter view ${view} reset (security_invoker)`);
    try {
      const ways = {
        live: await app.call(reader, { limit: 5 }),
        batch: await app.call(reader, { limit: 5, mode: "batch" }),
        filtered: await app.call(reader, { limit: 5, filter: { max_age_days: 30 } }),
        "posts like one": await similar.call(reader, { post_id: "72656373-7973-8000-8000-000000000004" }),
        "people like them": await similar.call(reader, { find: "people" }),
      };
      for (const [way, { status, body }] of Object.entries(ways))
        assert.deepEqual(
          [status, body.error],
          [
            503,
            {
              code: "unsafe_source_view",
              message: `${view} is not security_invoker, so it shows everybody what its owner may see: alter view ${view} set (security_invoker = true)`,
            },
          ],
          `${view}, ${way}`,
        );
    } finally {
      await pool.query(`alter view ${view} set (security_invoker = true)`);
    }
  }
  app.logged.splice(0);
  assert.equal((await feed({ limit: 5 })).items.length, 5, "mended, the next feed is whole");
});

test("texts and lists that are null are empty ones, in training, embedding and feeds", { skip }, async () => {
  const { community } = await communityFromDatabase(database);
  assert.ok(community.users.bios.includes("") && community.users.passions.some((list) => list.length === 0));
  assert.ok(community.users.passions.flat().every((passion) => typeof passion === "string"));
  assert.ok(community.posts.descriptions.includes(""));
  await pool.query(`create or replace view recsys.source_posts with (security_invoker = true) as
      select recsys_id as post_id, null::text as external_id, author_id, null::text as title, null::text as description, null::text[] as tags, published_at as created_at, null::text as language
      from blog.posts where deleted_at is null and published_at is not null`);
  try {
    const { items } = await feed({ limit: 20 });
    assert.deepEqual([items.length, new Set(items.map(({ title }) => title))], [20, new Set([""])]);
    assert.equal((await feed({ limit: 5, filter: { tags: ["bread"] } })).items.length, 0);
    assert.equal(
      (await communityFromDatabase(database)).community.posts.titles.every((title) => title === ""),
      true,
    );
  } finally {
    await restorePosts();
  }
});

async function restorePosts(external = "null::text", id = "posts.recsys_id"): Promise<void> {
  await pool.query(`create or replace view recsys.source_posts with (security_invoker = true) as
    select ${id} as post_id, ${external} as external_id, posts.author_id, left(posts.title, 1000) as title, left(posts.body, 50000) as description,
      array(select tags.slug from blog.tags where tags.post_id = posts.id order by tags.slug) as tags, posts.published_at as created_at, null::text as language
    from blog.posts where posts.deleted_at is null and posts.published_at is not null;
    select recsys.grant_reads('service_role')`);
}

test("an app whose ids are texts is told its texts", { skip }, async () => {
  await pool.query(
    "alter table blog.posts add column text_id uuid generated always as (recsys.id_of('post-' || id)) stored",
  );
  await restorePosts("'post-' || posts.id", "posts.text_id");
  try {
    const { items } = await feed({ limit: 10 });
    assert.equal(items.length, 10);
    for (const { app_id, post_id, title } of items) {
      const { rows } = await pool.query("select title, text_id from blog.posts where 'post-' || id = $1", [app_id]);
      assert.deepEqual(rows, [{ title, text_id: post_id }]);
    }
  } finally {
    await restorePosts();
    await pool.query("alter table blog.posts drop column text_id");
  }
});

test("a post that is deleted softly leaves at once, and comes back as it was", { skip }, async () => {
  const { items } = await feed();
  const { rows: withStates } = await pool.query(
    "select post_id from recsys_engine.post_stats where post_id = any ($1)",
    [items.map((item) => item.post_id)],
  );
  const { app_id, post_id } = items.find((item) => item.post_id === withStates[0].post_id) ?? assert.fail();
  const known = async () => {
    await pool.query("select recsys.erase()");
    await pool.query("select recsys.roll_up()");
    const { rows } = await pool.query(
      `select (select count(*) from recsys_engine.post_stats where post_id = $1)::int as states, (select count(*) from recsys_engine.post_tags where post_id = $1)::int as tags,
         (select count(*) from recsys.post_embeddings where post_id = $1)::int as vectors, (select count(*) from recsys_engine.feature_store_differences())::int as differences`,
      [post_id],
    );
    return rows[0];
  };
  const before = await known();
  assert.ok(before.states > 0 && before.vectors === 1 && before.differences === 0, JSON.stringify(before));
  const setDeleted = (to: string) => pool.query(`update blog.posts set deleted_at = ${to} where id = $1`, [app_id]);

  await setDeleted("now()");
  assert.ok(!(await everything()).includes(Number(app_id)));
  // nothing that could not be had again is erased
  assert.deepEqual(await known(), { ...before, states: 0, tags: 0 });
  await setDeleted("null");
  assert.deepEqual(await known(), before);
  assert.ok((await everything()).includes(Number(app_id)));
  const { rows } = await pool.query("select kind from recsys_engine.embedding_jobs where entity_id = $1", [post_id]);
  assert.deepEqual(rows, [{ kind: "post" }], "it is embedded again: its text may have changed meanwhile");
});

test("a comment that is deleted softly counts for nothing until it is shown again", { skip }, async () => {
  const { rows } = await pool.query(
    "select id, recsys.id_of(post_id) as post_id from blog.comments where deleted_at is null limit 1",
  );
  const [{ id, post_id }] = rows;
  const comments = async () => {
    await pool.query("select recsys.roll_up()");
    const found = await pool.query("select comments from recsys_engine.latest_post_stats where post_id = $1", [
      post_id,
    ]);
    return found.rows[0].comments;
  };
  const before = await comments();
  await pool.query("update blog.comments set deleted_at = now() where id = $1", [id]);
  assert.equal(await comments(), before - 1);
  await pool.query("update blog.comments set deleted_at = null where id = $1", [id]);
  assert.equal(await comments(), before);
});

test("a kind counts as what the team says, from the next roll-up on", { skip }, async () => {
  const total = async (column: string) => {
    await rollUpAll(database, () => {});
    const { rows } = await pool.query(`select sum(${column})::int as total from recsys_engine.latest_user_stats`);
    return rows[0].total;
  };
  const kindsOf = async (where: string) =>
    Number((await pool.query(`select count(*) from blog.reactions where ${where}`)).rows[0].count);
  const [claps, comments, votes] = [await kindsOf("kind = 'clap'"), await total("comments"), await total("votes")];
  assert.ok(claps > 100);
  await pool.query("update recsys.kinds set head = 'comment' where kind = 'clap'");
  assert.deepEqual(
    [(await total("comments")) > comments + claps / 2, (await total("votes")) < votes - claps / 2],
    [true, true],
  );
  await pool.query("update recsys.kinds set head = null where kind = 'clap'");
  assert.equal(await total("comments"), comments);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  await pool.query("update recsys.kinds set head = 'vote' where kind = 'clap'");
  assert.equal(await total("votes"), votes);
  await assert.rejects(pool.query("insert into recsys.kinds values ('wow', 'applause')"), /kinds_head_check/);
});

test("what a kind weighs is in the timeline at once, and no state is recomputed for it", { skip }, async () => {
  await rollUpAll(database, () => {});
  const weights = async () => {
    const { rows } = await pool.query(
      `select timeline.weight, count(*)::int from recsys_engine.timeline where kind = 'vote' group by timeline.weight order by timeline.weight`,
    );
    return rows.map(({ weight, count }) => [weight, count]);
  };
  const [[one, likes], [three, marked]] = await weights();
  assert.deepEqual([one, three], [1, 3], "as the page says");
  assert.ok(likes > 0 && marked > 0);
  await pool.query("update recsys.kinds set weight = 5 where kind = 'bookmark'");
  assert.deepEqual(await weights(), [
    [1, likes],
    [5, marked],
  ]);
  assert.equal((await pool.query("select from recsys_engine.feature_changes")).rowCount, 0);
  await pool.query("update recsys.kinds set head = 'view' where kind = 'bookmark'");
  assert.ok(
    ((await pool.query("select from recsys_engine.feature_changes")).rowCount ?? 0) > 0,
    "a head is another matter",
  );
  await pool.query("update recsys.kinds set head = 'vote', weight = 3 where kind = 'bookmark'");
  await rollUpAll(database, () => {});
  assert.deepEqual(await weights(), [
    [1, likes],
    [3, marked],
  ]);
});

test("a weight is a number above 0 and at most 1000", { skip }, async () => {
  for (const weight of ["0", "-1", "'NaN'", "'Infinity'", "1001"])
    await assert.rejects(
      pool.query(`update recsys.kinds set weight = ${weight} where kind = 'like'`),
      /kinds_weight_check/,
      weight,
    );
  await assert.rejects(pool.query("update recsys.kinds set weight = null where kind = 'like'"), /not-null/);
});
