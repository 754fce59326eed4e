/** Dismissals and long views in experiments: which count, what the report and the verdict say of them, and the guardrail. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clear } from "../testing/community.ts";
import { simulate } from "../testing/experiments.ts";
import { outcomesIn, person, post } from "../testing/outcomes.ts";
import { eitherDatabase } from "./testing.ts";

const { pool } = await eitherDatabase({ after }, "experiment_dismissals");
const { fill, show, act } = outcomesIn(pool);
const day = 24 * 60;

beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade; truncate recsys.dismissals");
  await clear(pool);
  await pool.query("update recsys.settings set long_view_seconds = null");
  await pool.query("select recsys.start_experiment('e', $1)", [
    JSON.stringify([
      { name: "control", share: 0.5 },
      { name: "b", share: 0.5, settings: { dismiss_weight: -8 } },
    ]),
  ]);
  await pool.query(
    "update recsys.experiments set salt = 'always the same people', started_at = now() - interval '10 days', counted_from = now() - interval '10 days'",
  );
});

async function dismiss(minutes: number, userId: string, postId: string): Promise<void> {
  await pool.query("insert into recsys.dismissals values ($2, $3, now() - $1 * interval '1 minute')", [
    minutes,
    userId,
    postId,
  ]);
}

/** Of a metric, each variant's shown, acted, shown_before and acted_before; of one person each. */
const outcomes = async (metric: string) =>
  (
    await pool.query(
      `select variant || ': ' || concat_ws(' ', shown, acted, shown_before, acted_before) as line
       from recsys.experiments, recsys_engine.experiment_outcomes(experiment_id) where metric = $1 order by 1`,
      [metric],
    )
  ).rows.map(({ line }) => line);

const metrics = async () =>
  (
    await pool.query("select metric from recsys.experiment_report('e') where people_group = 'all' and variant = 'b'")
  ).rows.map(({ metric }) => metric);

const conclusion = async (metric: string, variant = "b"): Promise<string> =>
  (
    await pool.query(
      "select conclusion from recsys.experiment_report('e') where people_group = 'all' and metric = $1 and variant = $2",
      [metric, variant],
    )
  ).rows[0].conclusion;

const verdict = async (): Promise<string> =>
  (await pool.query("select verdict from recsys.experiment_verdict('e')")).rows[0].verdict;

const stopped = async (): Promise<number> =>
  (await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n;

test("a post that was shown and then dismissed or voted against within the window counts, once", async () => {
  await fill(5);
  for (const n of [1, 2, 3, 4, 5]) await show(300, person(1), post(n), "e/control");
  for (const n of [1, 2]) await show(200, person(2), post(n), "e/b");
  // both at once, the second as a vote against it, the third too late, the fourth before it was shown, the fifth by
  // another user
  await dismiss(299, person(1), post(1));
  await act(298, person(1), post(1), "post_votes", -1);
  await act(241, person(1), post(2), "post_votes", -1);
  await dismiss(239, person(1), post(3));
  await dismiss(301, person(1), post(4));
  await dismiss(299, person(3), post(5));
  // muted, and voted for
  await pool.query(
    "insert into public.mutes (user_id, kind, value, created_at) values ($1, 'person', $2, now() - interval '199 minutes')",
    [person(2), person(4)],
  );
  await act(199, person(2), post(1), "post_votes", 1);
  // before the experiment: one in time and one too late
  for (const n of [1, 2]) await show(20 * day, person(2), post(n), null);
  await dismiss(20 * day - 30, person(2), post(1));
  await dismiss(20 * day - 61, person(2), post(2));
  // its window is not over
  await show(59, person(2), post(3), "e/b");
  await dismiss(58, person(2), post(3));
  assert.deepEqual(await outcomes("dismiss"), ["b: 2 0 2 1", "control: 5 2 0 0"]);
  assert.deepEqual(await outcomes("vote"), ["b: 2 1 2 0", "control: 5 0 0 0"], "a vote against is no vote for");
  assert.deepEqual(await metrics(), ["view", "vote", "comment", "dismiss"]);
  assert.equal(
    await conclusion("dismiss"),
    "too early: 50 people and 25 dismissals are needed in this variant and in control",
  );
});

test("where nobody dismissed anything that they were shown, the report has no row of it", async () => {
  await fill(5);
  await show(300, person(1), post(1), "e/control");
  await show(300, person(2), post(1), "e/b");
  // nothing that they were shown
  await dismiss(299, person(1), post(2));
  await dismiss(299, person(3), post(1));
  assert.deepEqual(await metrics(), ["view", "vote", "comment"]);
  assert.deepEqual(await outcomes("dismiss"), []);
  // one row of the time before is enough: that the action has stopped is worth a row
  await show(20 * day, person(2), post(3), null);
  await dismiss(20 * day - 1, person(2), post(3));
  assert.deepEqual(await outcomes("dismiss"), ["b: 1 0 1 1", "control: 1 0 0 0"]);
});

test("fewer dismissals are better, in the words of the report and of the verdict, and end nothing", async () => {
  await simulate(pool, 1500, { "e/control": 0.1, "e/b": 0.1 }, {}, { "e/control": 0.06, "e/b": 0.03 });
  assert.equal(await conclusion("dismiss", "control"), "what the others are compared with");
  const said = await conclusion("dismiss");
  const [, least, most] =
    /^fewer dismissals than control, which is better: ([\d.]+) % fewer to ([\d.]+) % fewer$/.exec(said) ??
    assert.fail(said);
  assert.ok(Number(least) < 50 && 50 < Number(most), said);
  assert.equal(
    await verdict(),
    "Better: fewer dismissals than control, while no difference is shown in views, votes and comments. What it was served with may be given to everybody.",
  );
  assert.equal(await stopped(), 0);
  // and they vote for half as much
  await pool.query(
    "delete from public.post_votes using recsys.impressions as shown where shown.user_id = post_votes.user_id and shown.post_id = post_votes.post_id and shown.variant = 'e/b' and recsys_engine.bucket(shown.post_id, shown.user_id::text) < 5000",
  );
  assert.equal(
    await verdict(),
    "A trade: fewer dismissals, but fewer votes than control. Which of them matters more is for you to say.",
  );
});

test("a variant that surely raises dismissals by more than it may is worse, and ends its experiment", async () => {
  await simulate(pool, 1500, { "e/control": 0.1, "e/b": 0.1 }, {}, { "e/control": 0.03, "e/b": 0.05 });
  const said = await conclusion("dismiss");
  assert.match(said, /^more dismissals than control, which is worse: [\d.]+ % more to [\d.]+ % more$/);
  assert.equal(
    await verdict(),
    "Worse: more dismissals than control, while no difference is shown in views, votes and comments. It is not worth going on with.",
  );
  await pool.query("update recsys.experiments set max_loss = 1");
  assert.equal(await stopped(), 0, "never");
  await pool.query("update recsys.experiments set max_loss = 0.9");
  assert.equal(await stopped(), 0, "two thirds more is less than nine tenths more");
  await pool.query("update recsys.experiments set max_loss = 0.1");
  assert.equal(await stopped(), 1);
  const { rows } = await pool.query("select end_reason from recsys.experiments where ended_at is not null");
  const [, rise] =
    /^guardrail: b has at least ([\d.]+) % more dismissals than control$/.exec(rows[0].end_reason) ??
    assert.fail(rows[0].end_reason);
  // that of all metrics together is more careful than the report's of one
  const [, least] = /: ([\d.]+) % more/.exec(said) ?? assert.fail(said);
  assert.ok(Number(rise) > 10 && Number(rise) < Number(least), `${rise}, and ${least} by the report`);
});

test("one person who dismisses all that they are shown ends nothing", async () => {
  await simulate(pool, 1200, { "e/control": 0.1, "e/b": 0.1 }, {}, { "e/control": 0.03, "e/b": 0.03 });
  await pool.query(
    "insert into public.posts (id, title, created_at) select md5('storm ' || n)::uuid, 'a post', now() - interval '1 year' from generate_series(1, 400) as n",
  );
  await pool.query(
    `with stormy as (select user_id from recsys.impressions where variant = 'e/b' order by user_id limit 1),
     shown as (
       insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant)
       select gen_random_uuid(), stormy.user_id, md5('storm ' || n)::uuid, 1, now() - interval '1 day', 'e/b' from stormy, generate_series(1, 400) as n
       returning user_id, post_id, shown_at
     )
     insert into recsys.dismissals select user_id, post_id, shown_at + interval '1 minute' from shown`,
  );
  const { rows } = await pool.query(
    "select rate from recsys.experiment_report('e') where people_group = 'all' and metric = 'dismiss' order by variant",
  );
  assert.ok(rows[0].rate > 1.5 * rows[1].rate, "its rate alone would look like harm");
  assert.match(await conclusion("dismiss"), /^no difference shown/);
  assert.equal(await stopped(), 0);
});

test("long views count from the seconds on that the settings say, and not at all where they say none", async () => {
  await fill(5);
  for (const n of [1, 2, 3, 4, 5]) await show(300, person(1), post(n), "e/control");
  await show(300, person(2), post(1), "e/b");
  // long enough and twice, just so, too short, too late; a vote's value is no time
  await act(290, person(1), post(1), "post_views", 31);
  await act(280, person(1), post(1), "post_views", 99);
  await act(290, person(1), post(2), "post_views", 30);
  await act(290, person(1), post(3), "post_views", 29.9);
  await act(239, person(1), post(4), "post_views", 60);
  await act(290, person(1), post(5), "post_votes", 60);
  await show(20 * day, person(2), post(3), null);
  await act(20 * day - 1, person(2), post(3), "post_views", 30);
  assert.deepEqual(await metrics(), ["view", "vote", "comment"]);
  await pool.query("update recsys.settings set long_view_seconds = 30");
  assert.deepEqual(await metrics(), ["view", "vote", "comment", "long_view"]);
  assert.deepEqual(await outcomes("long_view"), ["b: 1 0 1 1", "control: 5 2 0 0"]);
  assert.deepEqual(await outcomes("view"), ["b: 1 0 1 1", "control: 5 3 0 0"], "views as before");
  assert.equal(
    await conclusion("long_view"),
    "too early: 50 people and 25 long views are needed in this variant and in control",
  );
});

test("more long views are better, and a variant that surely loses too many of them ends its experiment", async () => {
  await simulate(pool, 1500, {}, { "e/control": 0.3, "e/b": 0.3 });
  await pool.query("update recsys.settings set long_view_seconds = 30");
  const longIn = (control: number, b: number) =>
    pool.query(
      `update public.post_views set value = case when recsys_engine.bucket(shown.post_id, shown.user_id::text) < case shown.variant when 'e/b' then $2::int else $1::int end then 40 else 5 end
       from recsys.impressions as shown where shown.user_id = post_views.user_id and shown.post_id = post_views.post_id`,
      [control, b],
    );
  await longIn(3000, 5000);
  assert.match(await conclusion("long_view"), /^more long views than control: [\d.]+ % more to [\d.]+ % more$/);
  assert.match(await verdict(), /^Better: more long views than control, while no difference is shown in views, /);
  assert.equal(await stopped(), 0);
  await longIn(5000, 3000);
  assert.equal(await stopped(), 1);
  const { rows } = await pool.query("select end_reason from recsys.experiments");
  assert.match(rows[0].end_reason, /^guardrail: b has at least [\d.]+ % fewer long views than control$/);
});
