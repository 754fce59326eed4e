/** From what two models drafted and people did to what it says: which acts count for whom, the words, the guardrail, and what is refused. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, beforeEach, test } from "node:test";
import { clear, publishTinyModel, people as someone } from "../testing/community.ts";
import { simulateDrafts } from "../testing/interleaving.ts";
import { outcomesIn, person, post } from "../testing/outcomes.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "interleaving_report");
const { fill, act } = outcomesIn(pool);

beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
  await publishTinyModel(pool, { name: "new" });
  await publishTinyModel(pool, { name: "old" });
});

async function start(variant: object = {}, name = "e", layer = "feed"): Promise<void> {
  await pool.query("select recsys.start_experiment($1, $2, $3)", [
    name,
    JSON.stringify([{ name: "both", share: 1, interleave_with: "new", ...variant }]),
    layer,
  ]);
  await pool.query(
    "update recsys.experiments set started_at = now() - interval '10 days', counted_from = now() - interval '10 days'",
  );
}

/** Shows a page, minutes ago: posts by number with the team that each counts for. */
async function show(
  minutes: number,
  userId: string,
  picks: [number, 1 | 2 | null][],
  variant: string | null = "e/both",
) {
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant, team)
     select $1, $2, pick.post_id, pick.place, now() - $3 * interval '1 minute', $4, pick.team
     from unnest($5::uuid[], $6::smallint[]) with ordinality as pick (post_id, team, place)`,
    [randomUUID(), userId, minutes, variant, picks.map(([n]) => post(n)), picks.map(([, team]) => team)],
  );
}

const credits = async () =>
  (
    await pool.query(
      `select metric, pages, first_wins, second_wins, round(first_credit::numeric, 6)::float8 as first, round(second_credit::numeric, 6)::float8 as second
       from recsys.experiments, recsys_engine.interleaving_credits(experiment_id) order by pages, metric`,
    )
  ).rows.map((row) => Object.values(row).join(" "));

test("acts count for the team that showed the post last before them, once a post, within the window", async () => {
  await fill(6);
  await start();
  const [one, two] = [person(1), person(2)];
  await show(600, one, [
    [1, 1],
    [2, 2],
    [3, null],
  ]);
  await act(595, one, post(1), "comments");
  await act(594, one, post(1), "comments");
  await act(593, one, post(2));
  // a place of no team, and after the window
  await act(592, one, post(3));
  await act(539, one, post(2), "post_views");
  // shown again by the other team: what comes after it is that one's, though the first window is not over
  await show(500, one, [
    [4, 1],
    [5, 2],
  ]);
  await act(495, one, post(5), "post_views");
  await show(490, one, [
    [4, 2],
    [5, 1],
  ]);
  await act(485, one, post(4));
  // and where no team showed it again, no team gets it
  await show(400, one, [[6, 1]]);
  await show(395, one, [[6, null]]);
  await act(390, one, post(6));
  // as many of one as of the other is a tie; a vote outweighs a view
  await show(300, two, [
    [1, 1],
    [2, 2],
  ]);
  await act(299, two, post(1), "post_views");
  await act(298, two, post(2), "post_views");
  await act(297, two, post(1));
  // before it was shown; another experiment; another name that begins alike; too early; a window that is not over
  await act(201, two, post(3));
  await show(200, two, [[3, 1]]);
  await show(190, two, [[4, 1]], "d/both");
  await show(190, two, [[4, 1]], "e/both2");
  await show(11 * 24 * 60, two, [[4, 1]]);
  await show(59, two, [[4, 1]]);
  await act(58, two, post(4));
  assert.deepEqual(await credits(), [
    // of two: two pages
    "comment 2 0 0 0 0",
    // 0.2 for a view and 1 for a vote
    "score 2 1 0 1.2 0.2",
    "view 2 0 0 1 1",
    "vote 2 1 0 1 0",
    // of one: the first wins the first page by a comment, the second wins it by a vote, and weights give a tie
    "comment 4 1 0 1 0",
    "score 4 0 2 1 2.2",
    "view 4 0 1 0 1",
    "vote 4 0 2 0 2",
  ]);
  await pool.query("update recsys.experiments set ended_at = now() - interval '450 minutes', end_reason = 'test'");
  assert.equal((await credits())[0], "comment 3 1 0 1 0", "what was shown after the end is none of it");
  await pool.query("delete from public.profiles where id = $1", [one]);
  await pool.query("select recsys.erase()");
  assert.deepEqual(await credits(), [], "who is erased is gone from it, too");
});

const reported = async () =>
  (await pool.query("select metric, conclusion from recsys.interleaving_report('e')")).rows.map(
    ({ metric, conclusion }) => `${metric}: ${conclusion}`,
  );
const verdict = async () =>
  (await pool.query("select variant, verdict from recsys.experiment_verdict('e')")).rows.map(
    ({ variant, verdict }) => `${variant}: ${verdict}`,
  );

test("the report says in words whose picks are acted on more", async () => {
  await start();
  assert.deepEqual(await reported(), []);
  assert.deepEqual(await verdict(), [
    "both: Nothing was drafted yet whose time to be acted on is over. Look again later.",
  ]);
  await simulateDrafts(pool, "e/both", 1000, { 1: 0.1, 2: 0.15 });
  const [score, view, vote, comment] = await reported();
  const [, least, most] =
    /^vote: new is preferred: its picks get ([\d.]+) to ([\d.]+) % of the votes$/.exec(vote) ?? assert.fail(vote);
  assert.ok(50 < Number(least) && Number(least) < 60 && 60 < Number(most) && Number(most) < 70, vote);
  assert.match(score, /^score: new is preferred: its picks get [\d.]+ to [\d.]+ % of the weighted acts$/);
  assert.equal(view, "view: too early: 0 people acted, and 50 are needed who do not all do the same");
  assert.match(comment, /^comment: too early: 0 people/);
  const better = await verdict();
  assert.match(
    better[0],
    /^both: Better: new is preferred: its picks get .*\. How much more people do .* only an experiment that splits them says\.$/,
  );
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
  await pool.query("select recsys.stop_experiment('e')");
  assert.deepEqual(await verdict(), better, "the words do not hang on whether it still runs");
});

test("what is too early is not called anything", async () => {
  await start();
  await simulateDrafts(pool, "e/both", 100, { 1: 0.02, 2: 0.02 });
  assert.match(
    (await reported())[0],
    /^score: too early: \d+ people acted, and 50 are needed who do not all do the same$/,
  );
  assert.deepEqual(await verdict(), ["both: Too early: 50 people who act are needed before anything can be said."]);
});

test("what is no preference is not called one", async () => {
  await start();
  await simulateDrafts(pool, "e/both", 500, { 1: 0.1, 2: 0.1 });
  assert.match(
    (await reported())[2],
    /^vote: no preference shown: the picks of new get anything from 4[\d.]+ to [56][\d.]+ % of the votes$/,
  );
  assert.match((await verdict())[0], /^both: Undecided: no preference shown/);
});

test("what heads say against the weights is a trade", async () => {
  await start();
  // 0.2 a view: votes decide
  await simulateDrafts(pool, "e/both", 1000, { 1: 0.1, 2: 0.16 }, { 1: 0.4, 2: 0.3 });
  assert.match((await reported())[1], /^view: old is preferred: its picks get 5/);
  assert.match(
    (await verdict())[0],
    /^both: A trade: new is preferred by the weights in recsys.settings, but views go to old\. Which/,
  );
});

test("a second model whose picks surely get much less ends its experiment, and says why", async () => {
  await start();
  await simulateDrafts(pool, "e/both", 1000, { 1: 0.2, 2: 0.12 });
  assert.match(
    (await verdict())[0],
    /^both: Worse: old is preferred: .* % of the weighted acts\. new is not worth going on with\.$/,
  );
  await pool.query("update recsys.experiments set max_loss = 1");
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0, "never");
  await pool.query("update recsys.experiments set max_loss = 0.5");
  assert.equal(
    (await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n,
    0,
    "0.6 of it is left",
  );
  await pool.query("update recsys.experiments set max_loss = 0.1");
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 1);
  const { rows } = await pool.query("select end_reason from recsys.experiments");
  assert.match(rows[0].end_reason, /^guardrail: the picks of new get at most 4\d\.\d % of the votes$/);
});

const split = [
  { name: "control", share: 0.1 },
  { name: "b", share: 0.1, model: "new" },
];

test("each kind has its report, and says so", async () => {
  await start({ share: 0.5 });
  await pool.query("select recsys.start_experiment('split', $1)", [JSON.stringify(split)]);
  await assert.rejects(
    pool.query("select * from recsys.experiment_report('e')"),
    /experiment e interleaves two models/,
  );
  await assert.rejects(
    pool.query("select * from recsys.interleaving_report('split')"),
    /experiment split splits people/,
  );
  for (const name of ["none", null])
    await assert.rejects(pool.query("select * from recsys.interleaving_report($1)", [name]), /there is no experiment/);
  assert.equal((await pool.query("select recsys_engine.stop_harmful_experiments() as n")).rows[0].n, 0);
  const { rows } = await pool.query("select name, kind from recsys.experiments order by 1");
  assert.deepEqual(rows, [
    { name: "e", kind: "interleaving" },
    { name: "split", kind: "split" },
  ]);
});

test("what is left out is the model that is active at the start, whichever is later; neither model is dropped meanwhile", async () => {
  await start();
  const ids = async () =>
    (
      await pool.query(
        "select first.name as first, second.name as second from recsys_engine.assignment($1) join recsys.models as first using (model_id) join recsys.models as second on second.model_id = second_model_id",
        [someone.ada],
      )
    ).rows;
  assert.deepEqual(await ids(), [{ first: "old", second: "new" }]);
  await publishTinyModel(pool, { name: "newest" });
  assert.deepEqual(await ids(), [{ first: "old", second: "new" }]);
  for (const name of ["old", "new"])
    await assert.rejects(
      pool.query("select recsys_engine.drop_model(model_id) from recsys.models where name = $1", [name]),
      /is that of a running experiment/,
    );
  await assert.rejects(
    pool.query("select recsys.start_experiment('other', $1, 'other')", [JSON.stringify(split)]),
    /may not change the same thing: model_id of experiment e/,
  );
});

for (const [what, variants, message] of [
  [
    "a second variant",
    [{ name: "both", share: 0.5, interleave_with: "new" }, split[0]],
    /is the only one of its experiment/,
  ],
  [
    "as a second variant",
    [split[0], { name: "both", share: 0.5, interleave_with: "new" }],
    /is the only one of its experiment/,
  ],
  ["settings", [{ name: "both", share: 0.5, interleave_with: "new", settings: { diversity: 1 } }], /has no settings/],
  ["no variant", [], /an array of 2 to 20/],
  ["no second model", [{ name: "both", share: 0.5, model: "new" }], /an array of 2 to 20/],
  ["a second model of null", [{ name: "both", share: 0.5, interleave_with: null }], /a variant has a name/],
  ["a second model by number", [{ name: "both", share: 0.5, interleave_with: 1 }], /a variant has a name/],
  [
    "a second model that is not there",
    [{ name: "both", share: 0.5, interleave_with: "none" }],
    /no model "none" that could serve/,
  ],
  [
    "a first model that is not there",
    [{ name: "both", share: 0.5, model: "none", interleave_with: "new" }],
    /no model "none"/,
  ],
  ["a share that is text", [{ name: "both", share: "0.5", interleave_with: "new" }], /a variant has a name/],
] as [string, unknown, RegExp][])
  test(`refused: ${what}`, async () => {
    await assert.rejects(pool.query("select recsys.start_experiment('bad', $1)", [JSON.stringify(variants)]), message);
    assert.equal((await pool.query("select from recsys.experiments")).rowCount, 0);
  });

test("refused: no first model where none is active", async () => {
  await pool.query("update recsys.models set status = 'retired' where status = 'active'");
  await assert.rejects(start(), /no model is active that could be interleaved with "new"/);
});
