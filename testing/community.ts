/** For tests of serving: a hand-made community, and a model small enough to know its answers by heart. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { featureSpec, featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { type Head, kinds } from "../supabase/functions/_shared/features/kinds.ts";
import { pairFeatures } from "../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { GraphBuilder } from "../trainer/artifacts/onnx/graph-builder.ts";

/** A readable uuid: `uuid("b", 7)` is 0000000b-0000-4000-8000-000000000007. */
export function uuid(letter: string, number: number): string {
  return `${letter.padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** ada has voted, ben only says who he is, eve says nothing. */
export const people = { ada: uuid("a", 1), ben: uuid("a", 2), eve: uuid("a", 3), author: uuid("a", 4) };

/** Post n of 30, n hours old; even ones are about topic 0 and odd ones about topic 1. All are the author's. */
export const post = (n: number) => uuid("b", n);
export const privatePost = uuid("c", 1);

/** Fills a migrated database: people, 30 public posts, one private one, and ada's votes for posts 28 and 30. */
export async function fillCommunity(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into public.profiles (id, passions, bio, created_at)
     select person.id, person.passions, person.bio, now() - interval '90 days'
     from (values ($1::uuid, '{chess}'::text[], 'I play'), ($2, '{gardens}', ''), ($3, '{}', ''), ($4, '{}', '')) as person (id, passions, bio)`,
    [people.ada, people.ben, people.eve, people.author],
  );
  await pool.query(
    `insert into public.posts (id, author_id, title, visibility, created_at)
     select post.id, $3::uuid, post.title, post.visibility, now() - post.age * interval '1 hour'
     from unnest($1::uuid[], $2::text[], $4::text[], $5::int[]) as post (id, title, visibility, age)`,
    [
      [...numbers.map(post), privatePost],
      [...numbers.map((n) => `Post ${n}`), "A secret"],
      people.author,
      [...numbers.map(() => "public"), "private"],
      [...numbers, 0],
    ],
  );
  await pool.query(
    `insert into public.post_votes (user_id, post_id, created_at)
     values ($1, $2, now() - interval '5 hours'), ($1, $3, now() - interval '4 hours')`,
    [people.ada, post(28), post(30)],
  );
  await pool.query("select recsys.roll_up()");
  // feeds in the order of their scores, which can be known by heart
  await pool.query("update recsys.settings set diversity = 0, author_decay = 1, trial_place = 0");
}

/** What a test leaves, besides what refers to it. */
const left = [
  "public.profiles, public.posts, recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats, recsys_engine.latest_user_stats, recsys_engine.user_affinities",
  "recsys.impressions, recsys.dismissals, recsys_engine.exploration_stats, recsys_engine.exploration_impressions, recsys_engine.author_readers, recsys_engine.usual_newcomers, recsys_engine.first_day_interactions, recsys_engine.backdated_days",
  "recsys_engine.bursts, recsys_engine.circle_members, recsys_engine.event_ids, recsys_engine.user_days, recsys_engine.batch_runs, recsys.batch_recommendations, recsys_engine.feature_changes, recsys_engine.embedding_jobs, recsys_engine.embedding_changes, recsys_engine.edited_posts, recsys_engine.post_tags, recsys_engine.listed_posts",
].join(", ");

/** Empties the database for the next test, without its triggers. Truncating, which makes some 150 files from scratch, took 258 ms of a processor. */
export async function clear(pool: pg.Pool): Promise<void> {
  try {
    await empty(pool);
  } catch (error) {
    // a worker still logs what it served: it ends, or was ended
    if ((error as pg.DatabaseError).code !== "40P01") throw error;
    await empty(pool);
  }
  await pool.query("update recsys.models set status = 'retired' where status = 'active'");
  // a model stays while its vectors are read, which an autovacuum may do for a while
  for (let attempt = 1; ; attempt++)
    try {
      await pool.query("select recsys_engine.drop_model(model_id) from recsys.models");
      return;
    } catch (error) {
      if ((error as pg.DatabaseError).code !== "55P03" || attempt === 100) throw error;
      await setTimeout(100);
    }
}

async function empty(pool: pg.Pool): Promise<void> {
  await pool.query(
    `do $$
     declare
       emptied regclass;
     begin
       perform set_config('session_replication_role', 'replica', true);
       for emptied in
         with recursive tables as (
           select unnest(string_to_array('${left}', ', '))::regclass as name
           union
           select pg_constraint.conrelid from pg_constraint join tables on pg_constraint.confrelid = tables.name where pg_constraint.conparentid = 0
         )
         select name from tables
       loop
         execute format('delete from %s', emptied);
       end loop;
     end
     $$`,
  );
}

const numbers = Array.from({ length: 30 }, (_, i) => i + 1);

export interface TinyModel {
  name: string;
  digest?: string;
  heads?: readonly Head[];
  graphs?: Partial<Record<"user_tower" | "post_tower" | "dlrm", Uint8Array>>;
}

/**
 * Publishes and activates a model over fillCommunity's posts; returns its id. Even posts have the vector e0, odd ones
 * e1; a user is their pooled history, or e1 without one; every probability rises with the similarity.
 */
export async function publishTinyModel(
  pool: Pick<pg.ClientBase, "query">,
  { name, digest, heads = kinds, graphs }: TinyModel,
): Promise<number> {
  const { rows } = await pool.query("select recsys_engine.create_model($1, $2, $3, '{}', null, $4)::int as id", [
    name,
    featureSpec,
    digest ?? (await featureSpecDigest()),
    heads,
  ]);
  const id: number = rows[0].id;
  for (const [graph, onnx] of Object.entries({ ...tinyGraphs(), ...graphs }))
    await pool.query(
      "insert into recsys_engine.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, $4)",
      [id, graph, onnx, createHash("sha256").update(onnx).digest("hex")],
    );
  await pool.query(
    `insert into recsys_engine.post_embeddings_${id} (model_id, post_id, embedding)
     select $1, post.id, post.embedding::extensions.vector from unnest($2::uuid[], $3::text[]) as post (id, embedding)`,
    [id, [...numbers.map(post), privatePost], [...numbers, 0].map((n) => JSON.stringify([...axis(n % 2)]))],
  );
  await pool.query("select recsys_engine.complete_model($1)", [id]);
  await pool.query("select recsys.activate_model($1)", [id]);
  return id;
}

/**
 * The three graphs of that model, or with other `slopes`, one for each head; its post tower gives back the ID embedding, normalised. `lean`: how far every user is
 * drawn to e1.
 */
export function tinyGraphs({ slopes = [1, 2, 3], lean = 0.01 } = {}) {
  return { user_tower: userTower(lean), post_tower: postTower(), dlrm: dlrm(slopes) };
}

function userTower(lean: number): Uint8Array {
  const g = new GraphBuilder("user_tower");
  const { history, id_embedding, ...unread } = g.inputsOf(contracts.user_tower);
  // a hundredth decides only where there is nothing else
  const bias = g.weights(axis(1, lean), [1, dimensions]);
  const sum = plusNothing(g, g.add(g.add(history, id_embedding), bias), unread);
  g.output("embedding", g.l2Normalise(sum), contracts.user_tower.outputs.embedding.dims);
  return g.build();
}

function postTower(): Uint8Array {
  const g = new GraphBuilder("post_tower");
  const { id_embedding, ...unread } = g.inputsOf(contracts.post_tower);
  const vector = g.l2Normalise(plusNothing(g, id_embedding, unread));
  g.output("embedding", vector, contracts.post_tower.outputs.embedding.dims);
  return g.build();
}

/** p(view), p(vote), p(comment) = sigmoid of 1, 2 and 3 times the similarity, or `slopes` times. */
function dlrm(slopes: number[]): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const { pair_features, ...unread } = g.inputsOf(contracts.dlrm);
  const weights = new Float32Array(pairFeatures.length * slopes.length);
  weights.set(slopes, pairFeatures.indexOf("similarity") * slopes.length);
  const logits = plusNothing(
    g,
    g.matMul(pair_features, g.weights(weights, [pairFeatures.length, slopes.length])),
    unread,
  );
  g.output("probabilities", g.sigmoid(logits), ["N", slopes.length]);
  return g.build();
}

/** A graph must read all of its inputs; this reads some without any effect. */
export function plusNothing(g: GraphBuilder, x: string, unread: Record<string, string>): string {
  const float = (input: string) => (g.typeOf(input) === "int64" ? g.cast(input, "float32") : input);
  return Object.values(unread).reduce(
    (sum, input) => g.add(sum, g.multiply(g.sum(float(input), [1], true), g.scalar(0))),
    x,
  );
}

function axis(dimension: number, length = 1): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[dimension] = length;
  return vector;
}
