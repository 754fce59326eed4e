/** An experiment's life: who is in which variant, what is refused, and how it ends. */
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, beforeEach, test } from "node:test";
import { clear, publishTinyModel } from "../testing/community.ts";
import { isFull } from "../testing/courses.ts";
import { onBoth, testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "experiments");
beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
});

const votes = [
  { name: "control", share: 0.5 },
  { name: "votes", share: 0.5, settings: { vote_weight: 2 } },
];

async function start(name: string, variants: unknown = votes, layer = "feed"): Promise<void> {
  await pool.query("select recsys.start_experiment($1, $2, $3)", [name, JSON.stringify(variants), layer]);
}

/** The variant of each of the 10,000 buckets. */
async function variantsOfBuckets(name: string): Promise<(string | null)[]> {
  const { rows } = await pool.query(
    `select variants.variant from generate_series(0, 9999) as bucket
     left join (recsys.experiments join recsys.experiment_variants as variants using (experiment_id)) on name = $1 and variants.buckets @> bucket
     order by bucket`,
    [name],
  );
  assert.equal(rows.length, 10_000, "nobody is in two variants");
  return rows.map(({ variant }) => variant);
}

const numberOf = (all: (string | null)[], wanted: string | null) => all.filter((variant) => variant === wanted).length;

test("a person's bucket is what sha256 says", async () => {
  const ids = Array.from({ length: 500 }, () => randomUUID());
  const { rows } = await pool.query(
    "select recsys_engine.bucket(id, 'salt é') as bucket from unnest($1::uuid[]) as id",
    [ids],
  );
  for (const [i, id] of ids.entries())
    assert.equal(createHash("sha256").update(`salt é:${id}`).digest().readUInt32BE(0) % 10_000, rows[i].bucket);
});

test("of 500 salts 3 to 7 % split the same people so unevenly as chance does in 5 %", async () => {
  const people = isFull ? 1000 : 250;
  const { rows } = await pool.query(
    `select count(*) filter (where p < 0.05)::int as uneven from (
       select recsys_engine.chi_square_p((count(*) filter (where recsys_engine.bucket(md5(person::text)::uuid, 'salt ' || salt) < 5000) - ${people / 2}) ^ 2 / ${people / 4}, 1) as p
       from generate_series(1, 500) as salt cross join generate_series(1, ${people}) as person group by salt
     ) as splits`,
  );
  assert.ok(rows[0].uneven >= 15 && rows[0].uneven <= 35, `${rows[0].uneven} of 500`);
});

onBoth("people are in the variants in the proportion of their shares, and stay there", async (_, { pool }) => {
  await pool.query("select recsys.start_experiment('one', $1)", [
    JSON.stringify([
      { name: "a", share: 0.2 },
      { name: "b", share: 0.3, settings: { diversity: 0.5 } },
    ]),
  ]);
  const assigned = async () =>
    (
      await pool.query(
        `select assigned.variant, assigned.settings from generate_series(1, 2000) as number
         left join recsys_engine.assignment(md5(number::text)::uuid) as assigned on true order by number`,
      )
    ).rows;
  const first = await assigned();
  assert.deepEqual(await assigned(), first);
  for (const [variant, settings, share] of [
    ["one/a", {}, 0.2],
    ["one/b", { diversity: 0.5 }, 0.3],
    [null, null, 0.5],
  ] as const) {
    const those = first.filter((row) => row.variant === variant);
    // within 5 standard errors
    assert.ok(
      Math.abs(those.length - 2000 * share) < 5 * Math.sqrt(2000 * share * (1 - share)),
      `${variant}: ${those.length}`,
    );
    for (const row of those) assert.deepEqual(row.settings, settings);
  }
  await pool.query("select recsys.stop_experiment('one')");
  assert.ok((await assigned()).every((row) => row.variant === null));
});

test("when shares change, as few people as possible move, and only from who shrinks to who grows", async () => {
  await start("three", [
    { name: "a", share: 0.5 },
    { name: "b", share: 0.2 },
    { name: "c", share: 0.1 },
  ]);
  const before = await variantsOfBuckets("three");
  await pool.query("select recsys.change_shares('three', $1)", [{ a: 0.3, b: 0.25, c: 0.4 }]);
  const then = await variantsOfBuckets("three");
  assert.deepEqual(
    ["a", "b", "c", null].map((variant) => numberOf(then, variant)),
    [3000, 2500, 4000, 500],
  );
  const moved = new Map<string, number>();
  for (const [i, variant] of before.entries())
    if (variant !== then[i]) moved.set(`${variant} to ${then[i]}`, (moved.get(`${variant} to ${then[i]}`) ?? 0) + 1);
  assert.deepEqual(
    [...moved].sort(),
    // b and c grow by 3,500: the 2,000 that a gives up, and 1,500 of those who were in none
    [
      ["a to b", 500],
      ["a to c", 1500],
      ["null to c", 1500],
    ],
  );
  await pool.query("select recsys.change_shares('three', $1)", [{ a: 0.1, b: 0.1, c: 0.1 }]);
  const last = await variantsOfBuckets("three");
  assert.ok(
    last.every((variant, i) => variant === null || variant === then[i]),
    "who is left stays",
  );
  const { rows } = await pool.query("select counted_from > started_at as is_anew from recsys.experiments");
  assert.deepEqual(rows, [{ is_anew: true }]);
});

test("experiments of a layer have different people; those of another layer the same, and change other things", async () => {
  const of = (name: string, settings: object) => [
    { name: "control", share: 0.2 },
    { name, share: 0.2, settings },
  ];
  await start("one", of("votes", { vote_weight: 2 }));
  await start("two", of("votes", { vote_weight: 3 }));
  await start("other", of("varied", { diversity: 0.1 }), "selection");
  const one = await variantsOfBuckets("one");
  const two = await variantsOfBuckets("two");
  assert.ok(one.every((variant, i) => variant === null || two[i] === null));
  const { rows } = await pool.query("select name, salt from recsys.experiments order by experiment_id");
  assert.equal(rows[0].salt, rows[1].salt);
  assert.notEqual(rows[0].salt, rows[2].salt);
  // a quarter of those in "one" would be in each half of "other", independently
  const { rows: both } = await pool.query(
    `select assigned.variant, assigned.settings from generate_series(1, 3000) as number
     cross join lateral recsys_engine.assignment(md5(number::text)::uuid) as assigned where assigned.variant = 'one/votes,other/varied'`,
  );
  assert.ok(Math.abs(both.length - 120) < 55, `${both.length} of 120`);
  for (const row of both) assert.deepEqual(row.settings, { vote_weight: 2, diversity: 0.1 });
  await assert.rejects(
    start("third", of("votes", { vote_weight: 3 })),
    /layer feed has no room for variant votes: 20.0* %/,
  );
  await assert.rejects(
    start("third", of("votes", { vote_weight: 3 }), "third"),
    /may not change the same thing: vote_weight of experiment (one|two)/,
  );
  assert.equal((await pool.query("select from recsys.experiments")).rowCount, 3, "what was refused is not there");
  await pool.query("select recsys.stop_experiment('one'), recsys.stop_experiment('two')");
  await start("third");
  const again = await pool.query("select salt from recsys.experiments where name = 'third'");
  assert.notEqual(again.rows[0].salt, rows[0].salt, "other people go together than before");
});

const control = { name: "control", share: 0.5 };
for (const [what, variants, message] of [
  ["no array", {}, /an array of 2 to 20/],
  ["null", null, /an array of 2 to 20/],
  ["one variant", [control], /an array of 2 to 20/],
  ["a variant that is none", [control, 1], /a variant has a name/],
  ["no name", [control, { share: 0.5 }], /a variant has a name/],
  ["another field", [control, { name: "b", share: 0.5, weight: 1 }], /a variant has a name/],
  ["a share that is text", [control, { name: "b", share: "0.5" }], /a variant has a name/],
  ["a share of nothing", [control, { name: "b", share: 0 }], /from 0.0001 to 1/],
  ["a share below 0", [control, { name: "b", share: -0.5 }], /from 0.0001 to 1/],
  ["a share between two steps", [control, { name: "b", share: 0.33333 }], /in steps of 0.0001/],
  ["more than everybody", [control, { name: "b", share: 0.5001 }], /1 together at most/],
  ["a name twice", [control, control], /experiment_variants_experiment_id_variant_key/],
  ["a name that divides", [control, { name: "a,b", share: 0.5 }], /experiment_variants_variant_check/],
  [
    "an unknown setting",
    [control, { name: "b", share: 0.5, settings: { clock_shift: 1 } }],
    /a variant cannot override clock_shift, only author_decay, comment_weight, .*, vote_weight$/,
  ],
  [
    "a setting that is text",
    [control, { name: "b", share: 0.5, settings: { diversity: "Infinity" } }],
    /setting diversity of a variant is real, not "Infinity"/,
  ],
  [
    "half a place",
    [control, { name: "b", share: 0.5, settings: { trial_place: 2.5 } }],
    /setting trial_place of a variant is integer, not 2.5/,
  ],
  [
    "how long a trial is, which is the same for all",
    [control, { name: "b", share: 0.5, settings: { trial_impressions: 10 } }],
    /a variant cannot override trial_impressions/,
  ],
  [
    "a setting beyond its bounds",
    [control, { name: "b", share: 0.5, settings: { diversity: 11 } }],
    /the settings \{"diversity": 11\} of a variant violate check constraint settings_diversity_check/,
  ],
  ["no setting at all", [control, { name: "b", share: 0.5, settings: { diversity: null } }], /is real, not null/],
  [
    "a setting beyond all numbers",
    [control, { name: "b", share: 0.5, settings: { view_weight: 1e300 } }],
    /setting view_weight of a variant is real, not 1000/,
  ],
  [
    "a model that is not there",
    [control, { name: "b", share: 0.5, model: "none" }],
    /no model "none" that could serve/,
  ],
  ["a model by number", [control, { name: "b", share: 0.5, model: 1 }], /a variant has a name/],
] as [string, unknown, RegExp][])
  test(`refused: ${what}`, async () => {
    await assert.rejects(start("bad", variants), message);
    assert.equal((await pool.query("select from recsys.experiments")).rowCount, 0);
  });

test("what else is wrong is said: names, windows, shares, an end after the end", async () => {
  for (const name of ["", "Weights", "a/b", "a,b", "x".repeat(64)])
    await assert.rejects(start(name), /experiments_name_check/);
  await assert.rejects(start(null as unknown as string), /null value in column "name"/);
  await assert.rejects(start("a", votes, "a b"), /experiments_layer_check/);
  await assert.rejects(
    pool.query("select recsys.start_experiment('a', $1, p_outcome_window => '-1 hour')", [JSON.stringify(votes)]),
    /experiments_outcome_window_check/,
  );
  await assert.rejects(
    pool.query("select recsys.start_experiment('a', $1, p_max_loss => 'NaN')", [JSON.stringify(votes)]),
    /experiments_max_loss_check/,
  );
  await start("a");
  await assert.rejects(start("a"), /there was an experiment a already/);
  for (const shares of [
    null,
    [],
    {},
    { control: 1 },
    { control: 0.5, votes: 0.5, c: 0 },
    { control: 0.6, votes: 0.5 },
    { control: 0.5, votes: "0.5" },
    { control: 0.5, votes: 0 },
  ])
    await assert.rejects(
      pool.query("select recsys.change_shares('a', $1)", [JSON.stringify(shares)]),
      /shares name each variant of a once/,
    );
  await assert.rejects(pool.query("select recsys.stop_experiment('b')"), /there is no experiment b/);
  await pool.query("select recsys.stop_experiment('a', 'seen enough')");
  await assert.rejects(pool.query("select recsys.stop_experiment('a')"), /experiment a ended at/);
  await assert.rejects(pool.query("select recsys.change_shares('a', '{}')"), /experiment a ended at/);
  const { rows } = await pool.query("select end_reason, ended_at >= started_at as is_after from recsys.experiments");
  assert.deepEqual(rows, [{ end_reason: "seen enough", is_after: true }]);
});

test("the model of a running experiment is neither dropped by hand nor as an old one", async () => {
  const tried = await publishTinyModel(pool, { name: "tried" });
  await publishTinyModel(pool, { name: "serving" });
  await pool.query(
    "update recsys.models set created_at = now() - interval '1 year', status = 'ready' where name = 'tried'",
  );
  await pool.query(
    "update recsys_engine.model_activations set ended_at = now() - interval '1 year' where name = 'tried'",
  );
  await start("models", [control, { name: "tried", share: 0.5, model: "tried" }]);
  await assert.rejects(pool.query("select recsys_engine.drop_model($1)", [tried]), /is that of a running experiment/);
  assert.equal((await pool.query("select recsys_engine.drop_old_model() as id")).rows[0].id, null);
  await pool.query("select recsys.stop_experiment('models')");
  assert.equal((await pool.query("select recsys_engine.drop_old_model()::int as id")).rows[0].id, tried);
  const { rows } = await pool.query("select model_id from recsys.experiment_variants where variant = 'tried'");
  assert.deepEqual(rows, [{ model_id: tried }], "what it was stays known");
});

test("the service runs experiments, and nobody else", async (t) => {
  const client = await pool.connect();
  t.after(async () => {
    await client.query("rollback");
    client.release();
  });
  await client.query("begin; set local role service_role");
  await client.query("select recsys.start_experiment('one', $1)", [JSON.stringify(votes)]);
  await client.query("select * from recsys.experiment_report('one')");
  await client.query("select recsys_engine.stop_harmful_experiments()");
  await client.query("set local role authenticated");
  assert.equal((await client.query("select variant from recsys_engine.assignment(gen_random_uuid())")).rowCount, 1);
  for (const call of [
    "recsys.start_experiment('two', '[]')",
    "recsys.stop_experiment('one')",
    "recsys.change_shares('one', '{}')",
    "recsys.experiment_report('one')",
    "recsys_engine.experiment_split('one')",
    "recsys_engine.experiment_outcomes(1)",
    "recsys_engine.stop_harmful_experiments()",
    "recsys.interleaving_report('one')",
    "recsys_engine.interleaving_credits(1)",
    "recsys.experiment_verdict('one')",
    "recsys_engine.feed_candidates('{}')",
  ]) {
    await client.query("savepoint asking");
    await assert.rejects(client.query(`select ${call}`), { code: "42501" }, call);
    await client.query("rollback to asking");
  }
});
