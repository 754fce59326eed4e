/**
 * An attack on what `similar` says of people: a member with 100 private posts as probes, who may mute, block and
 * edit their own profile, estimates another user's vector by least squares, and so what that person did.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { uuid } from "../../../testing/community.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { auc } from "../../../trainer/evaluation/metrics/classification-metrics.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "similar_attack");
const { pool, url } = database;
const { call } = testApp({ after }, url);

const random = new Random(3);
const groups = 6;
const attacker = uuid("a", 0);
const vectors = unitVectors(random, groups + 500);
const noise = (n: number) => vectorAt(vectors, groups + n);
const center = (n: number) => vectorAt(vectors, n % groups);
/** Members of a group have cosines of about 0.8, as the towers make them. */
const people = Array.from({ length: 60 }, (_, n) => ({ id: uuid("a", n), vector: between(center(n), noise(n)) }));
const posts = Array.from({ length: 240 }, (_, n) => ({ id: uuid("b", n), vector: between(center(n), noise(100 + n)) }));
const probes = Array.from({ length: 100 }, (_, n) => ({ id: uuid("c", n), vector: noise(400 + n) }));
const victims = [7, 20, 33, 46].map((n) => people[n]);

function between(one: Float32Array, other: Float32Array): Float32Array {
  const sum = one.map((value, d) => value + 0.6 * other[d]);
  return sum.map((value) => value / Math.hypot(...sum));
}

before(async () => {
  await pool.query("update recsys.settings set requests_per_minute = null");
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [people.map(({ id }) => id)]);
  await pool.query(
    `insert into public.posts (id, author_id, title, visibility, created_at)
     select id, $1, 'a post', case when id = any ($3) then 'private' else 'public' end, now() - interval '1 day' from unnest($2::uuid[]) as id`,
    [attacker, [...posts, ...probes].map(({ id }) => id), probes.map(({ id }) => id)],
  );
  const all = [...posts, ...probes];
  const model = await publishVectors(
    database,
    all.map(({ id }) => id),
    Float32Array.from(all.flatMap(({ vector }) => [...vector])),
  );
  await pool.query("select recsys.activate_model($1)", [model]);
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as person (id, vector)`,
    [model, people.map(({ id }) => id), people.map(({ vector }) => JSON.stringify([...vector]))],
  );
  for (let n = 0; n < groups; n++)
    await pool.query(
      `insert into recsys_engine.topics (model_id, label, terms, centroid, people) values ($1, $2, '{}', $3::text::extensions.vector, $4)`,
      [model, `topic ${n}`, JSON.stringify([...center(n)]), 8 + 7 * n],
    );
  await pool.query("select recsys_engine.assign_topics($1, $2)", [model, all.map(({ id }) => id)]);
});

/** A number for what the answer says of a user: their similarity, else their place, else how many people there are. */
async function told(victim: string, question: object): Promise<number> {
  const { body } = await call(attacker, question);
  const place = body.items?.findIndex(({ user_id }) => user_id === victim) ?? -1;
  const found = body.items?.[place] as { similarity?: number } | undefined;
  return found?.similarity ?? (found ? -place : (body.people ?? -100));
}

type Asking = (victim: string, probe: (typeof probes)[number]) => Promise<number>;
const attacks: Record<string, { muting: boolean; ask: Asking }> = {
  "the people near a private post, all but one muted": {
    muting: true,
    ask: (victim, { id }) => told(victim, { find: "people", post_id: id }),
  },
  "the reach of a private post, all but one muted": {
    muting: true,
    ask: (victim, { id }) => told(victim, { find: "reach", post_id: id }),
  },
  "the people like oneself, by a profile that is edited each time": {
    muting: false,
    async ask(victim, { vector }) {
      await pool.query("update recsys.user_embeddings set embedding = $2::text::extensions.vector where user_id = $1", [
        attacker,
        JSON.stringify([...vector]),
      ]);
      return await told(victim, { find: "people", limit: 100 });
    },
  },
};

for (const [name, { muting, ask }] of Object.entries(attacks))
  test(`nobody's vector is found by asking for ${name}`, async () => {
    const found: { cosine: number; auc: number }[] = [];
    for (const victim of victims) {
      await pool.query("delete from public.mutes");
      if (muting)
        await pool.query(
          "insert into public.mutes (user_id, kind, value) select $1, 'person', id from unnest($2::text[]) as id",
          [attacker, people.map(({ id }) => id).filter((id) => id !== attacker && id !== victim.id)],
        );
      const answers: number[] = [];
      for (const probe of probes) answers.push(await ask(victim.id, probe));
      const guess = leastSquares(
        probes.map(({ vector }) => vector),
        answers,
      );
      const did = new Set(nearest(victim.vector, 12));
      found.push({
        cosine: dot(guess, victim.vector) / (Math.hypot(...guess) || 1),
        auc: auc(
          posts.map((post) => Number(did.has(post))),
          posts.map((post) => dot(guess, post.vector)),
        ),
      });
    }
    const mean = (of: "cosine" | "auc") => found.reduce((sum, each) => sum + each[of], 0) / found.length;
    assert.ok(mean("cosine") <= 0.3 && mean("auc") <= 0.6, JSON.stringify(found));
  });

function nearest(vector: Float32Array, count: number) {
  return [...posts].sort((a, b) => dot(b.vector, vector) - dot(a.vector, vector)).slice(0, count);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

/** Weights of the numbers of some rows that come nearest to what was told of each but for the mean; by conjugate gradients. */
function leastSquares(rows: Float32Array[], told: number[]): number[] {
  const mean = told.reduce((sum, each) => sum + each, 0) / told.length;
  const times = (weights: number[]) => transposed(rows.map((row) => dot(row, weights)));
  const transposed = (values: number[]) =>
    Array.from(rows[0], (_, d) => rows.reduce((sum, row, i) => sum + row[d] * values[i], 0));
  const weights = Array.from(rows[0], () => 0);
  let rest = transposed(told.map((each) => each - mean));
  let direction = rest;
  for (let step = 0; step < weights.length; step++) {
    const before = dot(rest, rest);
    if (before < 1e-9) break;
    const image = times(direction);
    const size = before / dot(direction, image);
    for (const d of weights.keys()) weights[d] += size * direction[d];
    rest = rest.map((value, d) => value - size * image[d]);
    const turn = dot(rest, rest) / before;
    direction = rest.map((value, d) => value + turn * direction[d]);
  }
  return weights;
}
