/** For tests: drawn places whose true worth under another model is known, written straight into the tables. */
import type pg from "pg";
import { geometric, pickWeighted, stream } from "../trainer/data/synthetic/draws.ts";
import type { Random } from "../trainer/models/nn/random.ts";

/** A drawn place and what came of it; lists of three are of view, vote and comment. */
export interface LogEntry {
  user: number;
  propensity: number;
  shadowPropensity: number;
  support: number;
  served: number[];
  shadow: number[];
  expected: number[];
  servedExpected: number[];
  weightSquared: number;
  weightCubed: number;
  acted: number[];
}

/** What may stand at a place: by each model the three probabilities, and the true ones. */
interface Context {
  served: number[][];
  shadow: number[][];
  truth: number[][];
  servedChances: number[];
  shadowChances: number[];
}

export const weights = [0.2, 1, 1];
const actions = 12;

export const scoreOf = (probabilities: number[]) => probabilities.reduce((sum, p, head) => sum + weights[head] * p, 0);
const meanOf = (chances: number[], of: number[][], head: number) =>
  chances.reduce((sum, chance, a) => sum + chance * of[a][head], 0);

/** Of the shadow's chance through that by which is drawn. */
function momentOf({ servedChances, shadowChances }: Context, power: number): number {
  return servedChances.reduce((sum, chance, a) => sum + chance * (shadowChances[a] / chance) ** power, 0);
}

function powers(scores: number[], temperature: number): number[] {
  const each = scores.map((score) => score ** (1 / temperature));
  const sum = each.reduce((total, power) => total + power, 0);
  // what the database keeps
  return each.map((power) => Math.fround(power / sum));
}

/** Two models that both err, each in its own way, by about so much of the truth. */
function drawContext(random: Random, temperature: number, servedError: number, shadowError: number): Context {
  const off = (probabilities: number[], error: number) => {
    const factor = Math.exp(error * random.normal());
    return probabilities.map((p) => Math.fround(Math.min(0.6, p * factor)));
  };
  const truth = Array.from({ length: actions }, () => {
    const appeal = Math.exp(0.8 * random.normal());
    return [Math.min(0.5, 0.2 * appeal), Math.min(0.4, 0.06 * appeal), Math.min(0.3, 0.03 * appeal)];
  });
  const served = truth.map((each) => off(each, servedError));
  const shadow = truth.map((each) => off(each, shadowError));
  return {
    served,
    shadow,
    truth,
    servedChances: powers(served.map(scoreOf), temperature),
    shadowChances: powers(shadow.map(scoreOf), temperature),
  };
}

/** Half of the people act three times as often as the others, and look at twice as much. */
const people = [
  { acts: 0.6, places: 4 },
  { acts: 1.8, places: 8 },
];

export interface ShadowWorld {
  contexts: Context[];
  /** What a place drawn by the shadow earns in the mean, and one drawn as they are. */
  truth: { shadow: number; served: number };
}

export function drawWorld(seed: number, shadowError = 0.4, temperature = 0.5): ShadowWorld {
  const random = stream(seed, "world");
  const contexts = Array.from({ length: 40 }, () => drawContext(random, temperature, 0.4, shadowError));
  const often =
    people.reduce((sum, { acts, places }) => sum + acts * places, 0) /
    people.reduce((sum, each) => sum + each.places, 0);
  const valueBy = (chancesOf: (context: Context) => number[]) =>
    (often *
      contexts.reduce(
        (sum, context) => sum + scoreOf([0, 1, 2].map((head) => meanOf(chancesOf(context), context.truth, head))),
        0,
      )) /
    contexts.length;
  return {
    contexts,
    truth: { shadow: valueBy((context) => context.shadowChances), served: valueBy((context) => context.servedChances) },
  };
}

/** What `number` people are shown and do. */
export function drawPlaces({ contexts }: ShadowWorld, random: Random, number: number): LogEntry[] {
  return Array.from({ length: number }, (_, user) => {
    const person = people[random.below(2)];
    const places = 1 + geometric(random, 1 / person.places);
    return Array.from({ length: places }, () => {
      const context = contexts[random.below(contexts.length)];
      const action = pickWeighted(random, context.servedChances);
      const mean = (chances: number[]) => [0, 1, 2].map((head) => Math.fround(meanOf(chances, context.served, head)));
      return {
        user,
        propensity: context.servedChances[action],
        shadowPropensity: context.shadowChances[action],
        support: 1,
        served: context.served[action],
        shadow: context.shadow[action],
        expected: mean(context.shadowChances),
        servedExpected: mean(context.servedChances),
        weightSquared: momentOf(context, 2),
        weightCubed: momentOf(context, 3),
        acted: context.truth[action].map((p) => Number(random.uniform() < p * person.acts)),
      };
    });
  }).flat();
}

const modelId = 7;
export const model = "simulated";

/** Empties what `writePlaces` writes. */
export async function clearPlaces(pool: pg.Pool): Promise<void> {
  await pool.query(
    "truncate recsys.shadows, recsys_engine.shadow_impressions, recsys.impressions, public.post_views, public.post_votes, public.comments",
  );
  await pool.query("insert into recsys.shadows (model_id, name, share, started_at) values ($1, $2, 1, now())", [
    modelId,
    model,
  ]);
}

/** Writes places that were shown `daysAgo`, those of a person in one feed, each with a post of its own, and what was done an hour later. */
export async function writePlaces(
  pool: pg.Pool,
  places: LogEntry[],
  daysAgo: number,
  shadowModelId = modelId,
): Promise<void> {
  const client = await pool.connect();
  try {
    // its features, vectors and foreign keys are not needed
    await client.query("begin; set local session_replication_role = replica");
    const columns = [
      places.map(({ user }) => user),
      places.map((_, place) => place),
      places.map(({ propensity }) => propensity),
      places.map(({ shadowPropensity }) => shadowPropensity),
      places.map(({ support }) => support),
      ...(["served", "shadow", "expected", "servedExpected"] as const).map((list) =>
        places.map((place) => `{${place[list]}}`),
      ),
      ...[0, 1, 2].map((head) => places.map(({ acted }) => acted[head])),
      places.map(({ weightSquared }) => weightSquared),
      places.map(({ weightCubed }) => weightCubed),
      places.map(({ served }) => scoreOf(served)),
      places.map(({ shadow }) => scoreOf(shadow)),
      daysAgo,
      shadowModelId,
    ];
    await client.query(
      `with places as materialized (
         select
           md5(concat_ws(' ', person, $17::int))::uuid as request_id, format('0000000a-0000-4000-8000-%s', lpad(person::text, 12, '0'))::uuid as user_id,
           format('0000000b-0000-4000-8000-%s', lpad(place::text, 12, '0'))::uuid as post_id, recsys.clock() - make_interval(days => $17::int) as shown_at, given.*
         from unnest($1::int[], $2::int[], $3::real[], $4::real[], $5::real[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::int[], $12::int[],
             $13::double precision[], $14::double precision[], $15::real[], $16::real[])
           as given (person, place, propensity, shadow_propensity, support, served, shadow, expected, served_expected, viewed, voted, commented, weight_squared, weight_cubed,
             served_score, shadow_score)
       ),
       impressions as (
         insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, propensity)
         select request_id, user_id, post_id, 1, shown_at, propensity from places
       ),
       views as (insert into public.post_views (user_id, post_id, created_at) select user_id, post_id, shown_at + interval '1 hour' from places where viewed = 1),
       votes as (insert into public.post_votes (user_id, post_id, created_at) select user_id, post_id, shown_at + interval '1 hour' from places where voted = 1),
       comments as (insert into public.comments (user_id, post_id, created_at) select user_id, post_id, shown_at + interval '1 hour' from places where commented = 1)
       insert into recsys_engine.shadow_impressions (
         request_id, post_id, shadow_model_id, user_id, shown_at, score, probabilities, served_score, served_probabilities, propensity, support, expected, served_expected,
         weight_squared, weight_cubed
       )
       select
         request_id, post_id, $18::bigint, user_id, shown_at, shadow_score, shadow::real[], served_score, served::real[], shadow_propensity, support, expected::real[], served_expected::real[], weight_squared, weight_cubed from places`,
      columns,
    );
    await client.query("commit");
  } finally {
    client.release();
  }
}

/** A row of recsys.off_policy. */
export interface ShadowEstimate {
  estimator: string;
  estimate: number;
  low: number;
  high: number;
  gain: number | null;
  gain_low: number | null;
  gain_high: number | null;
  places: string;
  people: string;
  effective_sample_size: number;
  mean_weight: number;
  support: number;
}

/** What recsys.off_policy says of places that were shown within a day around `daysAgo`; by estimator. */
export async function offPolicy(pool: pg.Pool, daysAgo: number): Promise<Map<string, ShadowEstimate>> {
  const { rows } = await pool.query<ShadowEstimate>(
    "select * from recsys.off_policy($1, recsys.clock() - make_interval(days => $2, hours => 12), recsys.clock() - make_interval(days => $2, hours => -12))",
    [model, daysAgo],
  );
  return new Map(rows.map((row) => [row.estimator, row]));
}
