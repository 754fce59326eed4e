/**
 * No skew: what the trainer sees of the past is what the functions would have been told then. The replayed state and the
 * SQL are held against each other at several instants of a synthetic community, down to the ranker's features.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../../db/import/import-bundle.ts";
import { testDatabase } from "../../db/testing.ts";
import { featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { rankerFeatures, sources } from "../../supabase/functions/_shared/features/ranker-features.ts";
import type { CandidateRow } from "../../supabase/functions/_shared/recommend/read-candidates.ts";
import type { ContextRow } from "../../supabase/functions/_shared/recommend/read-context.ts";
import {
  type PostCandidate,
  postCandidate,
  userInput,
  userState,
} from "../../supabase/functions/_shared/recommend/states.ts";
import { Random } from "../engine/random.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { Histories } from "../towers/positives.ts";
import { communityFromDatabase, type LoadedCommunity } from "./from-database.ts";
import { CommunityState, type NumberedCandidate } from "./state.ts";

const { pool, ...database } = await testDatabase({ after }, "state");
const random = new Random(7);
let loaded: LoadedCommunity;
let vectors: Float32Array;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 3, users: 120, posts: 450, days: 40 });
  await importBundle({ pool }, folder);
  await rm(folder, { recursive: true });
  loaded = await communityFromDatabase({ pool, ...database });
  const { ids } = loaded.community.posts;
  vectors = Float32Array.from(ids.flatMap(() => [...unitVector()]));
});

for (const part of [0.25, 0.6, 1])
  test(`after ${100 * part} % of the events, users and candidates are the same in SQL and in the replay`, async () => {
    const { community, timeline } = loaded;
    const event = Math.floor(part * timeline.length);
    // just behind an event, so that the order of what happens at one instant does not matter
    const now = timeline.at[event - 1] + 0.5;
    assert.ok(event === timeline.length || timeline.at[event] > now);
    const state = new CommunityState(community, timeline);
    state.advance(event, now);
    const modelId = await publishVectors(state.alive);
    const histories = new Histories(community, now);
    let compared = 0;
    for (let user = 0; user < community.users.ids.length; user += 9) {
      const vector = unitVector();
      const [context, candidates] = await fromSql(community.users.ids[user], modelId, vector, now);
      assert.ok(context, "no such user");
      const replayed = state.candidates(user, now, vector, vectors).sort((a, b) => a.post - b.post);
      const asked = numbered(candidates);
      assert.deepEqual(
        asked.map(({ post }) => post),
        replayed.map(({ post }) => post),
      );
      for (const [i, candidate] of asked.entries())
        for (const source of sources)
          assert.equal(candidate.ranks[source], replayed[i].ranks[source], `${source} rank of post ${candidate.post}`);
      const here = rankerFeatures(userState(context), asked, now);
      const history = histories.latest(user, now).map(vectorOf);
      const there = rankerFeatures(state.user(user, history), replayed, now);
      assertClose(here.user, there.user, "user");
      assertClose(here.posts, there.posts, "posts");
      assertClose(here.pairs, there.pairs, "pairs");
      assert.deepEqual(here.categories, there.categories);
      assertClose(
        Float32Array.from(userInput(context).history.flat()),
        Float32Array.from(history.flatMap((v) => [...v])),
        "history",
      );
      compared += asked.length;
    }
    assert.ok(compared > 1000, `only ${compared} rows compared`);
  });

/** A model with the vectors of the first `alive` posts: those that a function could have found at that instant. */
async function publishVectors(alive: number): Promise<number> {
  const ids = loaded.community.posts.ids.slice(0, alive);
  const created = await pool.query("select recsys.create_model($1, '{}', $2, '{}')::int as id", [
    `${alive} posts`,
    await featureSpecDigest(),
  ]);
  const { id } = created.rows[0];
  await pool.query(
    `insert into recsys.model_artifacts (model_id, graph, onnx, sha256)
     select $1, graph, '', encode(sha256(''), 'hex') from unnest('{user_tower,post_tower,dlrm}'::text[]) as graph`,
    [id],
  );
  await pool.query(
    `insert into recsys.post_embeddings_${id} (model_id, post_id, embedding)
     select $1, post_id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as post (post_id, vector)`,
    [id, ids, ids.map((_, post) => JSON.stringify([...vectorOf(post)]))],
  );
  await pool.query("select recsys.complete_model($1)", [id]);
  return id;
}

async function fromSql(
  userId: string,
  modelId: number,
  vector: Float32Array,
  now: number,
): Promise<[ContextRow | undefined, PostCandidate[]]> {
  const client = await pool.connect();
  try {
    // exact instead of the HNSW index, whose recall is another test's matter
    await client.query("begin; set local enable_indexscan = off");
    const at = "to_timestamp($3::double precision / 1000)";
    const contexts = await client.query<ContextRow>(`select * from recsys.user_context($1, $2, ${at})`, [
      userId,
      modelId,
      now,
    ]);
    const candidates = await client.query<CandidateRow>(
      `select * from recsys.candidates($1, $2, $4::text::extensions.vector, ${at})`,
      [userId, modelId, now, JSON.stringify([...vector])],
    );
    return [contexts.rows[0], candidates.rows.map(postCandidate)];
  } finally {
    await client.query("rollback");
    client.release();
  }
}

function numbered(candidates: PostCandidate[]): NumberedCandidate[] {
  const numbers = new Map(loaded.community.posts.ids.map((id, post) => [id, post]));
  return candidates
    .map((candidate) => ({ ...candidate, post: numbers.get(candidate.post_id) ?? -1 }))
    .sort((a, b) => a.post - b.post);
}

function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++)
    assert.ok(
      Math.abs(actual[i] - expected[i]) < 1e-4,
      `${what}[${i}] is ${actual[i]} in SQL, ${expected[i]} in the replay`,
    );
}

function vectorOf(post: number): Float32Array {
  return vectors.subarray(post * dimensions, (post + 1) * dimensions);
}

function unitVector(): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => random.normal());
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}
