/** For tests: people whose true rates are known, and what recsys_engine.compare_variants says of them. */
import assert from "node:assert/strict";
import type pg from "pg";
import { geometric } from "../trainer/data/synthetic/draws.ts";
import type { Random } from "../trainer/models/nn/random.ts";

/** A recsys_engine.person_outcome. */
export interface PersonOutcome {
  variant: string;
  is_new: boolean;
  metric: string;
  shown: number;
  acted: number;
  shown_before: number;
  acted_before: number;
}

/** A row of recsys_engine.compare_variants. */
export interface Effect {
  variant: string;
  people_group: string;
  metric: string;
  people: string;
  shown: string;
  acted: string;
  rate: number;
  ratio: number | null;
  low: number;
  high: number;
  p: number;
  always_low: number;
  always_high: number;
  always_p: number;
  variance_left: number;
}

/** A person with habits of their own: how often they act on what they see, and how much they look at in a day. */
export interface ExperimentPerson {
  rate: number;
  meanShown: number;
}

/** Some act three times as often as others, and some look at three times as much; a few are new, and nothing is known of them. */
export function drawPerson(random: Random): ExperimentPerson {
  return {
    rate: Math.min(0.4, 0.1 * Math.exp(0.6 * random.normal())),
    meanShown: 12 * Math.exp(0.6 * random.normal()),
  };
}

/** What a person does in a period: how many posts they are shown, at least one, and how many they act on. */
export function drawPeriod(
  random: Random,
  { rate, meanShown }: ExperimentPerson,
  lift = 1,
): { shown: number; acted: number } {
  const shown = 1 + geometric(random, 1 / (1 + meanShown));
  let acted = 0;
  for (let i = 0; i < shown; i++) if (random.uniform() < rate * lift) acted++;
  return { shown, acted };
}

/** One person's row; of one in five nothing is known from before. */
export function drawOutcome(random: Random, variant: string, lift = 1): PersonOutcome {
  const person = drawPerson(random);
  const now = drawPeriod(random, person, lift);
  const is_new = random.uniform() < 0.2;
  const before = is_new ? { shown: 0, acted: 0 } : drawPeriod(random, person);
  return { variant, is_new, metric: "vote", ...now, shown_before: before.shown, acted_before: before.acted };
}

/** What the database says of such people. */
export async function compareVariants(pool: pg.Pool, people: PersonOutcome[], alpha = 0.05): Promise<Effect[]> {
  const { rows } = await pool.query<Effect>(
    `select * from recsys_engine.compare_variants(
      (select array_agg((person.variant, person.is_new, person.metric, person.shown, person.acted, person.shown_before, person.acted_before)::recsys_engine.person_outcome)
       from jsonb_populate_recordset(null::recsys_engine.person_outcome, $1) as person),
      'control', $2)`,
    [JSON.stringify(people), alpha],
  );
  return rows;
}

/** People 1 … n, each in the variant of their bucket, who are shown ten posts a day ago and vote for, view or dismiss each with their variant's chance. */
export async function simulate(
  pool: pg.Pool,
  people: number,
  votes: Record<string, number>,
  views: Record<string, number> = {},
  dismissals: Record<string, number> = {},
): Promise<void> {
  await pool.query(
    "insert into public.profiles (id, created_at) select md5('person ' || n)::uuid, now() - n % 60 * interval '1 day' from generate_series(1, $1::int) as n",
    [people],
  );
  await pool.query(
    "insert into public.posts (id, title, created_at) select md5('post ' || n)::uuid, 'a post', now() - interval '1 year' from generate_series(1, 10) as n",
  );
  await pool.query(
    `with assigned as materialized (
       select user_id, (select variant from recsys_engine.assignment(user_id))
       from generate_series(1, $1::int) as person cross join lateral (select md5('person ' || person)::uuid as user_id) as named
     )
     insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant)
     select gen_random_uuid(), user_id, md5('post ' || post)::uuid, post, now() - interval '1 day', variant
     from assigned cross join generate_series(1, 10) as post`,
    [people],
  );
  for (const [schema, table, chances] of [
    ["public", "post_votes", votes],
    ["public", "post_views", views],
    ["recsys", "dismissals", dismissals],
  ] as const) {
    // a roll-up is no part of this
    await pool.query(`alter table ${schema}.${table} disable trigger user`);
    await pool.query(
      `insert into ${schema}.${table} (user_id, post_id, created_at)
     select user_id, post_id, shown_at + interval '1 minute'
     from (select *, ('x' || left(md5('${table}' || user_id || post_id), 8))::bit(32)::bigint / 4294967296.0 as draw from recsys.impressions offset 0) as shown
     join jsonb_each_text($1) as chance on chance.key = variant where draw < chance.value::real`,
      [chances],
    );
    await pool.query(`alter table ${schema}.${table} enable trigger user`);
  }
}

/** The simulation of docs/experiments-in-production.md, of its experiment `weights`, which has just been started. */
export async function simulateExample(pool: pg.Pool): Promise<void> {
  await pool.query(
    "update recsys.experiments set salt = 'the same people each time', started_at = now() - interval '2 days', counted_from = now() - interval '2 days'",
  );
  const views = { "weights/control": 0.3, "weights/double": 0.3 };
  await simulate(pool, 4000, { "weights/control": 0.1, "weights/double": 0.115 }, views);
}

/** The effect of variant b among those that were reported. */
export function treatmentEffect(effects: Effect[], group = "all", metric = "vote"): Effect {
  return (
    effects.find((row) => row.variant === "b" && row.people_group === group && row.metric === metric) ?? assert.fail()
  );
}
