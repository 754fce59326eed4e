/** Each name that the Edge Functions of 1.0.0 call returns the rows of its new name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillCommunity, people, post, publishTinyModel } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

test("functions of 1.0.0 are answered by the names that they use", async (t) => {
  const { pool } = await testDatabase(t, "compatibility");
  await fillCommunity(pool);
  const model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query("select recsys.roll_up(null)");
  const now = new Date();
  const request = "recsys_engine.feed_request($1, $2)";

  /** Runs the statements in one transaction, as the role under which 1.0.0 runs them; returns the rows of each. */
  const ask = async (role: string, statements: string[], values: unknown[]): Promise<unknown[][][]> => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      await client.query("select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)", [
        JSON.stringify({ sub: people.ada, role: "authenticated" }),
        role,
      ]);
      const answers: unknown[][][] = [];
      for (const text of statements) answers.push((await client.query({ text, values, rowMode: "array" })).rows);
      return answers;
    } finally {
      await client.query("rollback");
      client.release();
    }
  };

  const calls: [role: string, old: string, today: string, values: unknown[]][] = [
    [
      "service_role",
      "candidates(p_role => 'authenticated', p_user_id => $1, p_model_id => $2, p_embedding => null, p_now => $3, p_filter => null, p_seed => 7, p_served => '{}', p_common => null, p_common_at => null, p_is_few => null, p_given => null)",
      "feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid, 'model_id', $2::bigint, 'at', 1000 * date_part('epoch', $3::timestamptz), 'seed', 7, 'served', '{}'))",
      [people.ada, model, now],
    ],
    ["service_role", "common_posts(p_now => $1)", "global_candidates($1)", [now]],
    [
      "service_role",
      "known_posts(p_model_id => $1, p_post_ids => $2, p_now => $3)",
      "post_snapshots($1, $2, $3)",
      [model, [post(1), post(2)], now],
    ],
    [
      "authenticated",
      `with_pool(p_request => ${request}, p_model_id => null, p_embedding => null)`,
      `with_prefiltered_pool(${request}, null, null)`,
      [people.ada, now],
    ],
    [
      "authenticated",
      `common_sources(p_request => ${request}, p_extent => 'feed')`,
      `global_sources(${request}, 'feed')`,
      [people.ada, now],
    ],
    [
      "authenticated",
      "given_posts(p_user_id => $1, p_given => $2, p_filter => null, p_seed => 7)",
      "requested_posts($1, $2, null, 7)",
      [people.ada, [post(1), post(2)]],
    ],
    [
      "authenticated",
      "new_posts(p_user_id => $1, p_since => $2, p_filter => null, p_most => 100)",
      "count_new_posts($1, $2, null, 100)",
      [people.ada, new Date(now.getTime() - 5 * 3_600_000)],
    ],
    [
      "authenticated",
      "user_vectors(p_user_id => $1, p_model_id => $2, p_now => $3, p_history_posts => $4)",
      "user_model_inputs($1, $2, $3, $4)",
      [people.ada, model, now, [post(1)]],
    ],
    ["authenticated", "posts_like(p_post_id => $1, p_limit => 10)", "similar_posts_for_caller($1, 10)", [post(1)]],
    [
      "service_role",
      "people_near(p_claims => $1, p_limit => 10)",
      "similar_people_for_caller($1, 10)",
      [JSON.stringify({ sub: people.ada, role: "authenticated" })],
    ],
    ["service_role", "take_request(p_user_id => $1)", "consume_rate_limit($1)", [people.ada]],
    ["service_role", "trial_age()", "exploration_max_age()", []],
  ];
  for (const [role, old, today, values] of calls) {
    const statements = [old, today].map((call) => `select * from recsys_engine.${call}`);
    const [is, should] = await ask(role, statements, values);
    assert.ok(is.length > 0, `${old} has rows`);
    // new columns follow those of 1.0.0
    const trimmed = should.map((row) => row.slice(0, is[0].length));
    assert.deepEqual(is, trimmed, old);
  }

  // the relations that 1.0.0 reads and writes
  for (const view of ["impersonal_people", "tried_models", "trials"])
    await ask("service_role", [`select * from recsys_engine.${view}`], []);
  const insert =
    "insert into recsys_engine.trial_impressions (post_id, user_id, shown_at) values ($1, $2, $3) on conflict do nothing";
  for (let round = 0; round < 2; round++) await pool.query(insert, [post(1), people.ada, now]);
  const { rows } = await pool.query(
    "select post_id, user_id, shown_at, acted from recsys_engine.exploration_impressions",
  );
  assert.deepEqual(rows, [{ post_id: post(1), user_id: people.ada, shown_at: now, acted: null }]);
  await ask("service_role", [insert], [post(2), people.ada, now]);
});
