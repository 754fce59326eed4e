/** What a client asks of each post holds in every answer, without making it shorter than it has to be. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type pg from "pg";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import type { FeedFilter } from "../_shared/recommend/request/feed-filter.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "filter");
const app = testApp({ after }, url);
let model: number;

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    "update public.posts set tags = '{Even,x}', language = 'en' where title like 'Post %' and right(title, 1) in ('0','2','4','6','8')",
  );
  await pool.query("update public.posts set tags = '{odd}', language = 'pt-br' where tags = '{}'");
  await pool.query("update public.posts set author_id = $1 where id = any($2)", [people.eve, [post(3), post(4)]]);
});

/** The numbers of the posts that a filter brings to Ben. */
async function numbers(filter: FeedFilter, more: object = {}): Promise<number[]> {
  const { status, body } = await app.call(people.ben, { limit: 100, filter, ...more });
  assert.equal(status, 200, JSON.stringify(body));
  return body.items.map(({ title }) => Number(title.slice(5))).sort((a, b) => a - b);
}

/** Ben's list, made ahead, of three posts. */
async function listAhead(numbers: number[]): Promise<void> {
  await pool.query(
    `with run as (insert into recsys_engine.batch_runs (model_id, model_name, as_of, status) values ($1, 'tiny', now(), 'finished') returning run_id)
     insert into recsys.batch_recommendations (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources)
     select $2, run_id, $1, now(), 'history', $3, '{1,1,1}', '{1,1,1}', '{1,1,1}', '{1,1,1}', '{fresh,fresh,fresh}' from run`,
    [model, people.ben, numbers.map(post)],
  );
}

const evens = Array.from({ length: 15 }, (_, i) => 2 * i + 2);

test("tags, authors, age and languages, alone and together", async () => {
  assert.deepEqual(await numbers({ tags: ["even"] }), evens);
  assert.deepEqual(await numbers({ tags: ["EVEN", "nobody's"] }), evens);
  assert.deepEqual(await numbers({ languages: ["EN"] }), evens);
  assert.equal((await numbers({ languages: ["en", "pt-br"] })).length, 30);
  assert.deepEqual(await numbers({ author_ids: [people.eve] }), [3, 4]);
  assert.equal((await numbers({ author_ids: [people.eve, people.author] })).length, 30);
  assert.deepEqual(
    await numbers({ max_age_days: 1 }),
    Array.from({ length: 23 }, (_, i) => i + 1),
  );
  assert.deepEqual(await numbers({ tags: ["even"], author_ids: [people.eve] }), [4]);
  assert.deepEqual(await numbers({ tags: ["odd"], languages: ["en"] }), []);
  assert.deepEqual(
    await numbers({ tags: ["even", "x", "odd"], max_age_days: 1, languages: ["en"] }),
    evens.slice(0, 11),
  );
  for (const nothing of [{ tags: ["eve"] }, { languages: ["fr"] }, { author_ids: [people.ada] }])
    assert.deepEqual(await numbers(nothing), []);
  // his own are none of them
  await pool.query("update public.posts set author_id = $1 where id = $2", [people.ben, post(2)]);
  assert.deepEqual(await numbers({ tags: ["even"] }), evens.slice(1));
});

test("without a model, and of the list made ahead, too", async () => {
  await listAhead([3, 4, 6]);
  assert.deepEqual(await numbers({ tags: ["even"] }, { mode: "batch" }), [4, 6]);
  const odds = [1, ...evens.slice(1, -1).map((n) => n + 1)];
  assert.deepEqual(
    await numbers({ tags: ["odd"], author_ids: [people.author] }, { mode: "batch" }),
    odds,
    "nothing is left of the list: ranked now",
  );
  await pool.query("update recsys.models set status = 'retired'");
  assert.deepEqual(await numbers({ tags: ["even"] }), evens);
});

test("pages with a filter go on where the one before ended, through the list made ahead and beyond", async () => {
  await listAhead([3, 4, 6]);
  for (const mode of ["live", "batch"]) {
    const pages: number[][] = [];
    let after: string | null = null;
    do {
      const asked = { limit: 4, filter: { tags: ["even"] }, mode, after };
      const { status, body } = await app.call(people.ben, asked);
      assert.equal(status, 200, JSON.stringify(body));
      pages.push(body.items.map(({ title }) => Number(title.slice(5))));
      after = body.next;
    } while (after !== null);
    if (mode === "batch") assert.deepEqual(pages[0], [4, 6], "what is left of the list");
    const sizes = mode === "batch" ? [2, 4, 4, 4, 1] : [4, 4, 4, 3];
    assert.deepEqual(
      pages.map(({ length }) => length),
      sizes,
    );
    assert.deepEqual(
      pages.flat().sort((a, b) => a - b),
      evens,
    );
  }
});

test("a filter that lets all in gives what there is without one, with the same ranks, now and in the past", async () => {
  await pool.query(`
    insert into public.posts (author_id, title, created_at)
    select case number % 3 when 0 then '${people.eve}'::uuid when 1 then '${people.author}' end, 'filler ' || number, now() - number * interval '70 minutes' from generate_series(1, 900) as number;
    insert into public.post_views (user_id, post_id, created_at)
    select '${people.ada}', id, created_at + (hashtext(id::text) & 65535) * interval '5 seconds' from public.posts where title like 'filler %' and hashtext(title) % 3 = 0;
    insert into public.post_views (user_id, post_id) select '${people.ben}', id from public.posts where author_id = '${people.eve}' limit 3;
    insert into recsys.post_embeddings (model_id, post_id, embedding)
    select ${model}, id, (array_fill(0, array[number]) || 1 || array_fill(0, array[31 - number]))::extensions.vector
    from (select id, hashtext(id::text) & 31 as number from public.posts where title like 'filler %') as fillers;
    select recsys.roll_up(null)`);
  for (const ago of ["0 days", "7 days", "20 days"]) {
    const [with_, without] = await Promise.all(
      ['{"max_age_days": 36500}', null].map(async (filter) => {
        const { rows } = await pool.query(
          `select * from recsys_engine.retrieve($1, $2, (array[0.6, 0.8] || array_fill(0, array[30]))::extensions.vector, now() - $3::interval, p_filter => $4)
           order by post_id`,
          [people.ben, model, ago, filter],
        );
        // of vectors that are equally near, which ones are brought is open
        return rows
          .map(({ ranks: { similar, ...ranks }, ...row }) => ({ ...row, ranks }))
          .filter(({ ranks }) => Object.keys(ranks).length > 0);
      }),
    );
    assert.ok((without?.length ?? 0) > 290, `${without?.length}`);
    assert.deepEqual(with_, without, ago);
  }
});

test("a rare tag is found behind thousands of newer posts, and behind those with the same tag that one may not read", async () => {
  await pool.query(`
    insert into public.posts (author_id, title, tags, visibility, created_at)
    select '${people.eve}', 'other', case when number <= 2500 then '{rare}' else '{common}' end::text[], case when number <= 2500 then 'private' else 'public' end, now() - interval '1 hour'
    from generate_series(1, 6000) as number;
    update public.posts set tags = '{rare}', created_at = now() - interval '900 days' where id in ('${post(1)}', '${post(30)}')`);
  assert.deepEqual(await numbers({ tags: ["rare"] }), [1, 30]);
  assert.equal((await numbers({ tags: ["common"] })).length, 100);
  assert.equal((await numbers({ tags: ["common", "rare"] })).length, 100);
});

test("no source walks for a filter, and nothing begins with a filter where there is none", async () => {
  const callsSoFar = async (client: pg.PoolClient) => {
    const { rows } = await client.query(
      "select coalesce(sum(calls), 0)::integer as calls from pg_stat_xact_user_functions where funcname = 'newest_filtered_posts'",
    );
    return rows[0].calls;
  };
  const client = await pool.connect();
  try {
    await client.query("begin; set local track_functions = 'all'");
    for (const [filter, calls] of [
      ['{"tags": ["even"]}', 1],
      ['{"max_age_days": 1}', 1],
      ["{}", 0],
      [null, 0],
    ]) {
      const before = await callsSoFar(client);
      await client.query("select from recsys_engine.retrieve($1, null, null, now(), p_filter => $2)", [
        people.ben,
        filter,
      ]);
      assert.equal((await callsSoFar(client)) - before, calls, String(filter));
    }
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("what is asked in SQL is named where it is none", async () => {
  const ask = (filter: string) =>
    pool.query("select from recsys_engine.retrieve($1, null, null, now(), p_filter => $2)", [people.ben, filter]);
  for (const filter of [
    "null",
    '{"tag": ["x"]}',
    "[]",
    '"x"',
    "1",
    '{"tags": "x"}',
    '{"author_ids": ["x"]}',
    '{"max_age_days": "x"}',
  ])
    await assert.rejects(ask(filter), { code: /^22/ }, filter);
  assert.equal((await ask("{}")).rowCount, 31);
  for (const filter of ['{"tags": []}', '{"tags": [null]}', '{"author_ids": []}', '{"languages": []}'])
    assert.equal((await ask(filter)).rowCount, 0, filter);
});

test("the tags of posts follow every change of a post", async () => {
  const indexed = async () => (await pool.query("select * from recsys_engine.post_tags order by post_id, tag")).rows;
  for (const change of [
    "insert into public.posts (title, tags) values ('a', '{B,b,C}'), ('b', array[repeat('x', 5000), repeat('x', 4000)])",
    "update public.posts set tags = tags || '{more}' where title like '%1%'",
    "update public.posts set created_at = created_at - interval '1 day'",
    "update public.posts set title = title || '!'",
    "update public.posts set id = gen_random_uuid() where title = 'a!'",
    "delete from public.posts where title like '%2%'",
    "begin; delete from public.posts; rollback",
    "truncate public.posts cascade",
  ]) {
    await pool.query(change);
    const kept = await indexed();
    await pool.query("select recsys_engine.index_tags(null)");
    assert.deepEqual(kept, await indexed(), change);
  }
  assert.deepEqual(await indexed(), []);
});

test("a view that fails on a post does not keep the app from writing it, nor other tags from being found", async () => {
  await pool.query(`
    create or replace view recsys.source_posts with (security_invoker = true) as
    select id as post_id, external_id, author_id, title, description,
      case when title like 'id %' then array[substr(title, 4)::uuid::text] else tags end as tags, created_at, language
    from public.posts`);
  await pool.query("insert into public.posts (title, tags) values ('id none', '{bad}'), ('fine', '{good}')");
  const { rows } = await pool.query("select tag from recsys_engine.post_tags where tag in ('good', 'bad')");
  assert.deepEqual(rows, [{ tag: "good" }]);
});
