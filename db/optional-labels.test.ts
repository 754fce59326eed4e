/** What the optional heads of a ranker learn from and are held against: recsys_engine.optional_head_labels, and what is measured by it. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { array, asyncProperty, assert as check, constantFrom } from "fast-check";
import { clear, fillCommunity, people, post, uuid } from "../testing/community.ts";
import { insertModel, settledDay } from "../testing/daily-metrics.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "optional_labels");
/** Noon, UTC. */
const shownAt = `${settledDay()}T12:00:00Z`;

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await pool.query("truncate recsys.daily_metrics; update recsys.settings set long_view_seconds = null");
});

/** Shows posts 1, 2 and 3 to ada and to ben at noon. */
async function show(model: number | null = null, dismiss: number | null = null): Promise<void> {
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id, view_probability, vote_probability, comment_probability, optional_probabilities)
     select shown.request_id, shown.user_id, posts.post_id, posts.position, $4::timestamptz, $5::bigint, 0.1, 0.1, 0.1, case when $6::real is not null then jsonb_build_object('dismiss', $6::real) end
     from unnest($1::uuid[], $2::uuid[]) as shown (request_id, user_id), unnest($3::uuid[]) with ordinality as posts (post_id, position)`,
    [[uuid("f", 1), uuid("f", 2)], [people.ada, people.ben], [post(1), post(2), post(3)], shownAt, model, dismiss],
  );
}

/** The labels of ada's and ben's pages, such as "dismiss ada 1". */
async function labels(from = "-1 hour", to = "1 hour"): Promise<string[]> {
  const { rows } = await pool.query(
    `select head || case request_id when $1 then ' ada ' else ' ben ' end || right(post_id::text, 1) as label
     from recsys_engine.optional_head_labels($2::timestamptz + $3::interval, $2::timestamptz + $4::interval) order by 1`,
    [uuid("f", 1), shownAt, from, to],
  );
  return rows.map(({ label }) => label);
}

const later = (hours: number) => new Date(Date.parse(shownAt) + hours * 3_600_000).toISOString();

async function dismiss(user: string, postId: string, at: string): Promise<void> {
  await pool.query("insert into recsys.dismissals values ($1, $2, $3)", [user, postId, at]);
}

async function mute(user: string, kind: string, value: string, at: string): Promise<void> {
  await pool.query("insert into public.mutes (user_id, kind, value, created_at) values ($1, $2, $3, $4)", [
    user,
    kind,
    value,
    at,
  ]);
}

test("a dismissal and a vote against a post within a day of the page are labels of that person's page alone", async () => {
  await show();
  await dismiss(people.ada, post(1), later(1));
  await pool.query("insert into public.post_votes (user_id, post_id, value, created_at) values ($1, $2, -1, $3)", [
    people.ben,
    post(2),
    later(23.9),
  ]);
  // not shown on that page
  await dismiss(people.ada, post(9), later(1));
  assert.deepEqual(await labels(), ["dismiss ada 1", "dismiss ben 2"]);
});

test("what came before the page, or a day after it, is none of it, nor is a vote for a post", async () => {
  await show();
  await dismiss(people.ada, post(1), later(-0.01));
  await dismiss(people.ada, post(2), later(24.01));
  await dismiss(people.ben, post(1), later(24));
  await pool.query("insert into public.post_votes (user_id, post_id, value, created_at) values ($1, $2, 1, $3)", [
    people.ada,
    post(3),
    later(1),
  ]);
  assert.deepEqual(await labels(), ["dismiss ben 1"], "to the second");
});

test("pages from an instant on and before another", async () => {
  await show();
  await dismiss(people.ada, post(1), later(1));
  assert.deepEqual(await labels("0 hours", "1 second"), ["dismiss ada 1"]);
  assert.deepEqual(await labels("-1 hour", "0 hours"), []);
  assert.deepEqual(await labels("1 second", "2 hours"), []);
  const { rows } = await pool.query("select count(*)::int as n from recsys_engine.optional_head_labels(null, null)");
  assert.equal(rows[0].n, 0, "nothing was shown");
});

test("muting the author within an hour is a dismissal of all of theirs on the page; who mutes is who was shown it", async () => {
  await show();
  await mute(people.ada, "person", people.author, later(0.9));
  assert.deepEqual(await labels(), ["dismiss ada 1", "dismiss ada 2", "dismiss ada 3"]);
  await pool.query("update public.mutes set created_at = $1", [later(1.1)]);
  assert.deepEqual(await labels(), []);
});

test("muting a word or a topic is one of the posts that have it; what is both dismissed and muted is one label", async () => {
  await pool.query("update public.posts set title = 'A word: (1+1)', tags = '{Knitting}' where id = $1", [post(1)]);
  await pool.query("update public.posts set title = 'Awkward' where id = $1", [post(2)]);
  await show();
  await mute(people.ada, "word", "(1+1", later(0.5));
  await mute(people.ben, "topic", "knitting", later(0.5));
  await mute(people.ben, "word", "awk", later(0.5));
  await dismiss(people.ben, post(1), later(3));
  assert.deepEqual(await labels(), ["dismiss ada 1", "dismiss ben 1"]);
});

test("a mute of which the app does not say when it came is no label, and one that is taken back is none any more", async () => {
  await show();
  await mute(people.ada, "person", people.author, later(0.5));
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      "create or replace view recsys.source_mutes with (security_invoker = true) as select user_id, kind, value, null::timestamptz as created_at from public.mutes",
    );
    const { rows } = await client.query("select count(*)::int as n from recsys_engine.optional_head_labels($1, $2)", [
      later(-1),
      later(1),
    ]);
    assert.equal(rows[0].n, 0);
  } finally {
    await client.query("rollback");
    client.release();
  }
  assert.equal((await labels()).length, 3);
  await pool.query("delete from public.mutes");
  assert.deepEqual(await labels(), []);
});

test("a long view is one of as many seconds as the operator says, and none where they say nothing", async () => {
  await show();
  for (const [user, number, seconds] of [
    [people.ada, 1, 29.9],
    [people.ada, 2, 30],
    [people.ada, 3, null],
    [people.ben, 1, 3600],
  ] as const)
    await pool.query("insert into public.post_views (user_id, post_id, value, created_at) values ($1, $2, $3, $4)", [
      user,
      post(number),
      seconds,
      later(1),
    ]);
  assert.deepEqual(await labels(), []);
  await pool.query("update recsys.settings set long_view_seconds = 30");
  assert.deepEqual(await labels(), ["long_view ada 2", "long_view ben 1"]);
});

test("of a person the latest 20 mutes count, so that one who mutes thousands holds nobody up", async () => {
  await show();
  await mute(people.ada, "person", people.author, later(0.1));
  await pool.query(
    "insert into public.mutes (user_id, kind, value, created_at) select $1, 'word', 'word' || n, $2 from generate_series(1, 19) as n",
    [people.ada, later(0.5)],
  );
  assert.equal((await labels()).length, 3);
  await mute(people.ada, "word", "one more", later(0.5));
  assert.deepEqual(await labels(), []);
});

test("a mute is about the posts that it takes out of a feed, whatever is in it", async () => {
  const part = constantFrom("a", "B", " ", "é", ".", "*", "(", "\\", "-", "日");
  const text = array(part, { minLength: 1, maxLength: 5 });
  await check(
    asyncProperty(constantFrom("word", "topic", "person"), text, text, async (kind, value, title) => {
      const { rows } = await pool.query(
        `with muted as (
           select jsonb_populate_record(null::recsys_engine.feed_request, '{"excluded": [], "is_narrowed": true}') as request
         )
         select recsys_engine.matches_mute($1, $2, null, $3, array[$3], null) as one, (
           -- what recsys_engine.mutes_only_request makes of it
           select case $1 when 'topic' then lower($2) = lower($3)
             when 'word' then $2 ~ '\\S' and recsys_engine.text_for_mutes($3, array[$3])
               ~ ('(^|' || recsys_engine.word_separator_class() || ')(?:' || recsys_engine.word_pattern(recsys_engine.muted_word($2)) || ')(' || recsys_engine.word_separator_class() || '|$)')
             else false end
         ) as other`,
        [kind, value.join(""), title.join("")],
      );
      assert.equal(rows[0].one, rows[0].other, `${kind} "${value.join("")}" of "${title.join("")}"`);
    }),
    { numRuns: 60 },
  );
});

test("a day's dismissals are held against what was predicted, once for each person and post, where a model predicts them", async () => {
  const model = await insertModel(pool, "four heads");
  await show(model, 0.25);
  await dismiss(people.ada, post(1), later(1));
  await mute(people.ben, "person", people.author, later(0.5));
  await pool.query("select recsys_engine.measure_day($1)", [settledDay()]);
  const { rows } = await pool.query(
    "select metric, value, count::int from recsys.daily_metrics where slice = 'dismiss' and model_id = $1 order by metric",
    [model],
  );
  assert.deepEqual(rows, [
    { metric: "calibration", value: 1.5 / 4, count: 4 },
    { metric: "predicted", value: 0.25, count: 6 },
    { metric: "rate", value: 4 / 6, count: 6 },
  ]);
  const { rows: health } = await pool.query(
    "select value, ok, state from recsys.health() where what like 'calibration%dismiss%'",
  );
  assert.equal(health.length, 1);
  assert.equal(health[0].ok, true, health[0].state);
});

test("a day of models that do not predict them has no figure of them, and one of which nothing was dismissed no calibration", async () => {
  const model = await insertModel(pool, "three heads");
  await show(model, null);
  await dismiss(people.ada, post(1), later(1));
  const measured = async () => {
    await pool.query("select recsys_engine.measure_day($1)", [settledDay()]);
    const { rows } = await pool.query(
      "select metric, value from recsys.daily_metrics where slice in ('dismiss', 'long_view') order by metric",
    );
    return rows;
  };
  assert.deepEqual(await measured(), []);
  await pool.query(
    `update recsys.impressions set optional_probabilities = '{"dismiss": 0.5}'; delete from recsys.dismissals`,
  );
  assert.deepEqual(await measured(), [
    { metric: "predicted", value: 0.5 },
    { metric: "rate", value: 0 },
  ]);
});
