/** From what was shown and done to what an experiment says: which rows count, the check of the split, the words, and the guardrail. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clear } from "../testing/community.ts";
import { simulate } from "../testing/experiments.ts";
import { outcomesIn, person, post } from "../testing/outcomes.ts";
import { eitherDatabase } from "./testing.ts";

const { pool } = await eitherDatabase({ after }, "experiment_report");
const { fill, show, act } = outcomesIn(pool);

beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
});

/** Begins an experiment `days` ago in which half of the people are in `control` and half in `b`. */
async function startAgo(days: number, shares = [0.5, 0.5]): Promise<void> {
  await pool.query("select recsys.start_experiment('e', $1)", [
    JSON.stringify([
      { name: "control", share: shares[0] },
      { name: "b", share: shares[1], settings: { vote_weight: 2 } },
    ]),
  ]);
  await pool.query(
    "update recsys.experiments set salt = 'always the same people', started_at = now() - $1 * interval '1 day', counted_from = now() - $1 * interval '1 day'",
    [days],
  );
}

const day = 24 * 60;

test("which rows count: those of the experiment, once a post, and acts within the window", async () => {
  await fill(5);
  await pool.query("update public.profiles set created_at = now() - interval '10 days' where id = $1", [person(2)]);
  await startAgo(10);
  // before: one post with a vote in time, one with a vote too late; too long ago; and what could have been acted on in the experiment
  await show(20 * day, person(1), post(1), null);
  await act(20 * day - 59, person(1), post(1));
  await show(20 * day, person(1), post(2), null);
  await act(20 * day - 61, person(1), post(2));
  await show(39 * day, person(1), post(3), null);
  await act(39 * day - 1, person(1), post(3));
  await show(10 * day + 30, person(1), post(3), null);
  // in it: shown twice, acted on after the first time
  await show(300, person(1), post(4), "e/control");
  await show(280, person(1), post(4), "e/control");
  await act(290, person(1), post(4));
  await act(250, person(1), post(4), "comments");
  await act(245, person(1), post(4), "comments");
  // acted on before it was shown, at once, and after the window
  await act(300, person(1), post(5));
  await show(299, person(1), post(5), "e/control");
  await act(298, person(1), post(5), "post_views");
  // another variant, next to another experiment's; a variant of a name that only begins alike; no variant; another experiment
  await show(200, person(2), post(1), "d/x,e/b");
  await act(141, person(2), post(1));
  await show(200, person(3), post(1), "e/bb");
  await show(200, person(3), post(2), null);
  await show(200, person(3), post(3), "ee/b");
  // its window is not over
  await show(59, person(1), post(1), "e/control");
  const { rows } = await pool.query(
    `select variant, is_new, metric, shown, acted, shown_before, acted_before from recsys.experiments, recsys_engine.experiment_outcomes(experiment_id)
     order by variant desc, metric`,
  );
  const control = { variant: "control", is_new: false, shown: 2, shown_before: 2 };
  const b = { variant: "b", is_new: true, shown: 1, shown_before: 0, acted_before: 0 };
  assert.deepEqual(
    rows,
    [
      { ...control, metric: "comment", acted: 1, acted_before: 0 },
      { ...control, metric: "view", acted: 1, acted_before: 0 },
      { ...control, metric: "vote", acted: 1, acted_before: 1 },
      { ...b, metric: "comment", acted: 0 },
      { ...b, metric: "view", acted: 0 },
      { ...b, metric: "vote", acted: 1 },
    ].map(({ variant, is_new, metric, shown, acted, shown_before, acted_before }) => ({
      variant,
      is_new,
      metric,
      shown,
      acted,
      shown_before,
      acted_before,
    })),
  );
  // after the end nothing more counts, and after a change of shares nothing from before it
  await pool.query("update recsys.experiments set ended_at = now() - interval '250 minutes', end_reason = 'test'");
  const people = async () =>
    (
      await pool.query(
        "select distinct variant from recsys.experiments, recsys_engine.experiment_outcomes(experiment_id)",
      )
    ).rows.map(({ variant }) => variant);
  assert.deepEqual(await people(), ["control"]);
  await pool.query(
    "update recsys.experiments set ended_at = null, end_reason = null, counted_from = now() - interval '220 minutes'",
  );
  assert.deepEqual(await people(), ["b"]);
  // who is erased is gone from it, too
  await pool.query("delete from public.profiles where id = $1", [person(2)]);
  await pool.query("select recsys.erase()");
  assert.deepEqual(await people(), []);
});

const conclusions = async (group = "all", metric = "vote") =>
  (
    await pool.query(
      "select variant, conclusion from recsys.experiment_report('e') where people_group = $1 and metric = $2",
      [group, metric],
    )
  ).rows.map(({ variant, conclusion }) => `${variant}: ${conclusion}`);

test("the report says in words what a variant does, of new and old people, too", async () => {
  await startAgo(2);
  await simulate(pool, 1500, { "e/control": 0.1, "e/b": 0.13 });
  const [control, b] = await conclusions();
  assert.equal(control, "control: what the others are compared with");
  const [, least, most] = /^b: more votes than control: ([\d.]+) % more to ([\d.]+) % more$/.exec(b) ?? assert.fail(b);
  assert.ok(Number(least) < 30 && 30 < Number(most), b);
  assert.deepEqual(await conclusions("all", "comment"), [
    control,
    "b: too early: 50 people and 25 comments are needed in this variant and in control",
  ]);
  for (const group of ["new", "old"])
    assert.match((await conclusions(group))[1], /^b: (more votes|no difference shown: anything from)/);
  const { rows: groups } = await pool.query(
    "select people_group, sum(people)::int as people from recsys.experiment_report('e') where metric = 'vote' group by 1 order by 1",
  );
  // who signed up in the 28 days before an experiment that began 2 days ago: 0 to 30 of 60 days
  assert.deepEqual(groups, [
    { people_group: "all", people: 1500 },
    { people_group: "new", people: 775 },
    { people_group: "old", people: 725 },
  ]);
  // the words do not hang on whether it still runs
  await pool.query("select recsys.stop_experiment('e')");
  assert.deepEqual((await conclusions())[1], b);
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
});

test("a difference that is none is not called one, whatever it looks like", async () => {
  await startAgo(2);
  await simulate(pool, 1200, { "e/control": 0.1, "e/b": 0.1 });
  assert.match(
    (await conclusions())[1],
    /^b: no difference shown: anything from [\d.]+ % fewer to [\d.]+ % more votes is possible$/,
  );
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
});

test("a split that is not the one that was asked for takes all belief from the report", async () => {
  await startAgo(2);
  await simulate(pool, 2000, { "e/control": 0.1, "e/b": 0.2 });
  const split = async () => (await pool.query("select * from recsys_engine.experiment_split('e')")).rows;
  const [control, b] = await split();
  assert.deepEqual([control.variant, Number(control.expected), Number(b.expected)], ["control", 1000, 1000]);
  assert.equal(Number(control.people) + Number(b.people), 2000);
  // by hand, from the one number of it that is free
  const z = Math.abs(Number(control.people) - 1000) / Math.sqrt(500);
  assert.ok(b.p > 0.001 && Math.abs(b.p - Math.exp(-0.717 * z - 0.416 * z * z)) < 0.02, `p ${b.p} at z ${z}`);
  // of a tenth of the people of one variant nothing is logged
  await pool.query(
    "delete from recsys.impressions where variant = 'e/b' and recsys_engine.bucket(user_id, 'lost') < 2000",
  );
  assert.ok((await split())[0].p < 0.001);
  for (const line of await conclusions())
    assert.match(line, /: not to be believed: the variants do not have the people/);
  assert.deepEqual((await pool.query("select * from recsys_engine.experiment_split('none')")).rows, []);
  await assert.rejects(pool.query("select * from recsys.experiment_report('none')"), /there is no experiment none/);
  await assert.rejects(pool.query("select * from recsys.experiment_report(null)"), /there is no experiment/);
});

test("a variant that surely loses more than it may ends its experiment, and says why", async () => {
  await startAgo(2);
  await simulate(pool, 1500, { "e/control": 0.2, "e/b": 0.1 });
  await pool.query("update recsys.experiments set max_loss = 1");
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0, "never");
  await pool.query("update recsys.experiments set max_loss = 0.1");
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 1);
  const { rows } = await pool.query("select end_reason from recsys.experiments where ended_at is not null");
  const [, loss] =
    /^guardrail: b has at least ([\d.]+) % fewer votes than control$/.exec(rows[0].end_reason) ??
    assert.fail(rows[0].end_reason);
  assert.ok(Number(loss) > 10 && Number(loss) < 50);
  assert.equal(
    (await pool.query("select from recsys_engine.assignment(gen_random_uuid())")).rowCount,
    0,
    "people are served as everybody",
  );
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
});

test("a loss that is allowed stops nothing, though the report says it", async () => {
  await startAgo(2);
  await simulate(pool, 3000, { "e/control": 0.5, "e/b": 0.47 });
  assert.match((await conclusions())[1], /^b: fewer votes than control: /);
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
  await pool.query("update recsys.experiments set max_loss = 0.01");
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 1);
});

test("an experiment of which nothing was shown yet has an empty report", async () => {
  await startAgo(0);
  assert.deepEqual((await pool.query("select * from recsys.experiment_report('e')")).rows, []);
  const { rows } = await pool.query("select variant, people::int, p from recsys_engine.experiment_split('e')");
  assert.deepEqual(rows, [
    { variant: "control", people: 0, p: 1 },
    { variant: "b", people: 0, p: 1 },
  ]);
});

test("the verdict says what to do, and agrees with the report", async () => {
  const verdict = async () => (await pool.query("select * from recsys.experiment_verdict('e')")).rows;
  const [{ variant, verdict: first }] = await (async () => {
    await startAgo(2);
    return await verdict();
  })();
  assert.deepEqual([variant, first.slice(0, 17)], ["b", "Nothing was shown"]);
  await simulate(pool, 1500, { "e/control": 0.1, "e/b": 0.14 });
  assert.match(
    (await verdict())[0].verdict,
    /^Better: more votes than control, while no difference is shown in views and comments\. What it was served with may be given to everybody\.$/,
  );
  // and half as many views
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select user_id, post_id, shown_at + interval '1 minute' from recsys.impressions
     where recsys_engine.bucket(post_id, user_id::text) < case variant when 'e/b' then 2000 else 4000 end`,
  );
  assert.match((await verdict())[0].verdict, /^A trade: more votes, but fewer views than control\./);
  await pool.query("delete from public.post_votes");
  assert.match(
    (await verdict())[0].verdict,
    /^Worse: fewer views than control, while no difference is shown in votes and comments\. It is not/,
  );
  await pool.query("delete from public.post_views where recsys_engine.bucket(post_id, user_id::text) >= 2000");
  assert.match(
    (await verdict())[0].verdict,
    /^Undecided\. Possible is views between [\d.]+ % fewer and [\d.]+ % more than control\. With four times/,
  );
  await pool.query(
    "delete from recsys.impressions where variant = 'e/b' and recsys_engine.bucket(user_id, 'lost') < 2000",
  );
  assert.match((await verdict())[0].verdict, /^Nothing can be concluded: the variants do not have the people/);
  assert.deepEqual((await pool.query("select * from recsys.experiment_verdict('none')")).rows, []);
});
