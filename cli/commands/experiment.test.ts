/** `recsys experiment …`. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { fillCommunity, people, post, publishTinyModel } from "../../testing/community.ts";
import { simulateDrafts } from "../../testing/interleaving.ts";
import { recsys } from "../testing.ts";

const { pool, url } = await testDatabase({ after }, "experiment_commands");

const experiment = (...args: string[]) => recsys(["experiment", ...args, "--database", url]);

const votes = '[{"name": "control", "share": 0.5}, {"name": "votes", "share": 0.25, "settings": {"vote_weight": 2}}]';

test("an experiment from its start to its end", async () => {
  assert.match((await experiment("list")).stdout, /^there are no experiments/);
  const started = await experiment("start", "weights", votes, "--window", "2 hours", "--max-loss", "0.2");
  assert.deepEqual([started.status, started.stderr], [0, ""]);
  assert.match(started.stdout, /^experiment weights runs/);
  const { rows } = await pool.query("select layer, outcome_window::text as counts, max_loss from recsys.experiments");
  assert.deepEqual([rows[0].layer, rows[0].counts, rows[0].max_loss.toFixed(3)], ["feed", "02:00:00", "0.200"]);
  assert.match(
    (await experiment("list")).stdout,
    /^weights \(control 50 %, votes 25 %\), layer feed, since .* UTC, runs\n$/,
  );

  const empty = await experiment("report", "weights");
  assert.match(empty.stdout, / {2}votes: Nothing was shown in it yet whose time to be acted on is over\./);
  await fillCommunity(pool);
  await pool.query(
    "update recsys.experiments set started_at = now() - interval '1 day', counted_from = now() - interval '1 day'",
  );
  for (const [person, variant] of [
    [people.ben, "votes"],
    [people.eve, "control"],
  ])
    await pool.query(
      "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant) values (gen_random_uuid(), $1, $2, 1, now() - interval '5 hours', $3)",
      [person, post(1), `weights/${variant}`],
    );
  await pool.query(
    "insert into public.post_votes (user_id, post_id, created_at) values ($1, $2, now() - interval '4 hours')",
    [people.ben, post(1)],
  );
  const report = await experiment("report", "weights");
  assert.equal(report.status, 0, report.stderr);
  assert.ok(!report.stdout.includes("dismiss"), "nobody dismissed anything");
  await pool.query("insert into recsys.dismissals values ($1, $2, now() - interval '4 hours')", [people.eve, post(1)]);
  await pool.query("update recsys.settings set long_view_seconds = 30");
  const withMore = await experiment("report", "weights");
  for (const line of [
    /^dismiss: whether they dismissed it or voted against it in that time; fewer is better\.$/m,
    /^ {2}dismiss +control +1 of 1 \(100\.00 %\) +what the others are compared with$/m,
    /^ {2}dismiss +votes +0 of 1 \(0\.00 %\) +too early: 50 people and 25 dismissals are needed/m,
    /^long_view: whether they viewed it for recsys\.settings\.long_view_seconds or longer\.$/m,
    /^ {2}long_view +votes +0 of 1 \(0\.00 %\) +too early: 50 people and 25 long views are needed/m,
  ])
    assert.match(withMore.stdout, line);
  for (const line of [
    /^Experiment weights, from .* UTC on, running\.$/m,
    /within 02:00:00\.$/m,
    /^ {2}control: 1 people, of whom its share should bring 1\.3$/m,
    /^ {2}vote +votes +1 of 1 \(100\.00 %\) +too early: 50 people/m,
    /^ {2}vote +control +0 of 1 \(0\.00 %\) +what the others are compared with$/m,
    /^ {2}votes: Too early: 50 people and 25 acts are needed/m,
  ])
    assert.match(report.stdout, line);

  assert.match(
    (await experiment("shares", "weights", '{"control": 0.4, "votes": 0.4}')).stdout,
    /^experiment weights has other shares/,
  );
  const stopped = await experiment("stop", "weights", "--reason", "seen enough");
  assert.match(stopped.stdout, /^experiment weights has ended/);
  assert.match((await experiment("list")).stdout, /\(control 40 %, votes 40 %\), .*, ended .*: seen enough\n$/);
  assert.match(
    (await experiment("report", "weights")).stdout,
    /^Experiment weights, from .* UTC to .* UTC: seen enough\.$/m,
  );
});

test("an interleaving from its start to its end", async () => {
  await publishTinyModel(pool, { name: "new" });
  await publishTinyModel(pool, { name: "old" });
  const both = '[{"name": "both", "share": 1, "interleave_with": "new"}]';
  assert.match((await experiment("start", "drafted", both)).stdout, /^experiment drafted runs/);
  assert.match((await experiment("list")).stdout, /^drafted \(both 100 %\), layer feed, since .* UTC, runs$/m);
  assert.match((await experiment("report", "drafted")).stdout, / {2}both: Nothing was drafted yet/);
  await pool.query("update recsys.experiments set counted_from = now() - interval '2 days' where name = 'drafted'");
  await simulateDrafts(pool, "drafted/both", 600, { 1: 0.1, 2: 0.2 });
  const { status, stdout } = await experiment("report", "drafted");
  assert.equal(status, 0);
  for (const line of [
    /^old \(1\) and new \(2\) drafted 600 pages of 600 people\. On so many more was done with the picks of:$/m,
    /^ {2}vote {5}1: \d+, 2: \d+ +new is preferred: its picks get [\d.]+ to [\d.]+ % of the votes$/m,
    /^ {2}comment {2}1: 0, 2: 0 +too early: 0 people acted/m,
    /^ {2}both: Better: new is preferred/m,
  ])
    assert.match(stdout, line);
  assert.match((await experiment("stop", "drafted")).stdout, /^experiment drafted has ended/);
});

test("what is wrong is said in a line, with status 1", async () => {
  for (const [args, message] of [
    [["start", "broken", "[{]"], /^recsys: the variants are no JSON: /],
    [["start", "broken", "[]"], /^recsys: variants are an array of 2 to 20/],
    [
      ["start", "broken", '[{"name": "both", "share": 1, "interleave_with": "none"}]'],
      /^recsys: there is no model "none" that could serve/,
    ],
    [["start", "Broken", votes], /^recsys: .*experiments_name_check/],
    [["start", "broken", votes, "--window", "soon"], /^recsys: invalid input syntax for type interval/],
    [["start", "broken", votes, "--max-loss", "much"], /^recsys: .*experiments_max_loss_check/],
    [["start", "broken", votes, "--max-loss", "2"], /^recsys: .*experiments_max_loss_check/],
    [["shares", "none", "{}"], /^recsys: there is no experiment none/],
    [["stop", "none"], /^recsys: there is no experiment none/],
    [["report", "none"], /^recsys: there is no experiment none/],
  ] as [string[], RegExp][]) {
    const { status, stdout, stderr } = await experiment(...args);
    assert.deepEqual([status, stdout], [1, ""], args.join(" "));
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  }
});
