/** What items say of posts with their titles: as their reader may read it, with every fallback, and never at the cost of the feed. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { openPool } from "../_shared/database/pool.ts";
import { describeItems, emptyDescription } from "../_shared/recommend/hydration/describe-items.ts";
import type { Feed, FeedItem } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "descriptions");
before(async () => {
  await fillCommunity(pool);
  await pool.query(
    `update public.posts set tags = array['chess', 'puzzles'], description = '  Mate' || chr(10) || ' in ' || right(id::text, 2)`,
  );
  await publishTinyModel(pool, { name: "tiny" });
});

const of = ({ items }: Feed, id: string) => items.find(({ post_id }) => post_id === id) as FeedItem;

/** The app's view with another column, until the test is over. */
async function redefine(t: TestContext, column: string, sql: string): Promise<void> {
  const { rows } = await pool.query("select pg_get_viewdef('recsys.source_posts') as view");
  const replace = (view: string) =>
    pool.query(`create or replace view recsys.source_posts with (security_invoker = true) as ${view}`);
  t.after(() => replace(rows[0].view));
  const changed = rows[0].view.replace(
    new RegExp(`^ +("left"\\(${column}, \\d+\\) AS )?${column},$`, "m"),
    `    ${sql} as ${column},`,
  );
  assert.notEqual(changed, rows[0].view);
  await replace(changed);
}

test("an item says who wrote it and when, its tags, and how it begins", async (t) => {
  await pool.query("update public.posts set author_id = null, tags = $2, description = $3 where id = $1", [
    post(4),
    Array.from({ length: 12 }, (_, n) => `tag ${n}`),
    "long ".repeat(1000),
  ]);
  const { body } = await testApp(t, url).call(people.ben, { limit: 30 });
  const { rows } = await pool.query("select created_at from public.posts where id = $1", [post(7)]);
  const { author_id, created_at, tags, excerpt } = of(body, post(7));
  assert.deepEqual(
    { author_id, created_at, tags, excerpt },
    {
      author_id: people.author,
      created_at: rows[0].created_at.toISOString(),
      tags: ["chess", "puzzles"],
      excerpt: "Mate in 07",
    },
  );
  const other = of(body, post(4));
  assert.deepEqual([other.author_id, other.tags.length, other.excerpt.length], [null, 10, 200]);
  assert.match(other.excerpt, /^long .* long…$/);
});

test("a text that an app shows to some is shown to them alone, though what is common to all feeds is kept", async (t) => {
  // paid for by ada; the engine's own service reads all of it
  await redefine(
    t,
    "description",
    `case when auth.uid() = '${people.ada}' or current_user = 'service_role' then description end`,
  );
  const app = testApp(t, url);
  for (const [reader, expected] of [
    ["ada", true],
    ["ben", false],
    ["visitor", false],
    ["ada", true],
  ] as const) {
    const { body } = await (reader === "visitor" ? app.visit({}) : app.call(people[reader], { limit: 20 }));
    assert.equal(body.items.length, 20);
    assert.equal(
      body.items.some(({ excerpt }) => excerpt !== ""),
      expected,
      reader,
    );
    assert.ok(body.items.every(({ created_at }) => created_at));
  }
});

test("where they cannot be read the feed goes without", async (t) => {
  const app = testApp(t, url);
  await pool.query("alter function recsys.app_id rename to app_ids");
  t.after(() => pool.query("alter function recsys.app_ids rename to app_id"));
  const { status, body } = await app.call(people.ben, { limit: 1 });
  const [{ post_id, title, author_id, app_id, created_at, tags, excerpt }] = body.items;
  assert.deepEqual([status, body.degraded, author_id, created_at, tags, excerpt], [200, null, null, null, [], ""]);
  assert.ok(app_id === post_id && title);
  assert.deepEqual(
    app.logged.map(({ code }) => code),
    ["undescribed_posts"],
  );
});

test("a post whose time is none, or that is gone, costs no other its description", async (t) => {
  await pool.query(
    "insert into public.posts (id, author_id, title, description, created_at) values ($1, $2, 'Early', 'Soon', '1995-01-01')",
    [uuid("e", 1), people.author],
  );
  await redefine(t, "created_at", `case when id = '${uuid("e", 1)}' then '-infinity' else created_at end`);
  const own = openPool(url, () => undefined);
  t.after(() => own.end());
  const items = [uuid("e", 1), uuid("e", 2), post(9)].map(
    (post_id) => ({ post_id, ...emptyDescription(post_id) }) as FeedItem,
  );
  await describeItems(own, { role: "authenticated", sub: people.ben }, items, "1s");
  assert.deepEqual(
    items.map(({ created_at, excerpt }) => [created_at !== null, excerpt]),
    [
      [false, "Soon"],
      [false, ""],
      [true, "Mate in 09"],
    ],
  );
});
