/**
 * Measures how the towers place posts without interactions: `npm run bench -- cold-posts FOLDER SIZE FIRST,… SEED,…`. The
 * newest fifth of SIZE posts is unseen in training. FOLDER is a bundle with post_vectors (`npm run bench -- encode`).
 */

import { openBundle } from "../db/bundle/open-bundle.ts";
import { readPart } from "../db/bundle/read-records.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../supabase/functions/_shared/features/inner-product.ts";
import { reduceVector, vectorWidth } from "../supabase/functions/_shared/features/text-vector.ts";
import { basisFromVectors } from "../trainer/data/app-embeddings/vector-basis.ts";
import { pickRows } from "../trainer/data/replay/columns.ts";
import type { Community } from "../trainer/data/replay/community.ts";
import { communityFromBundle } from "../trainer/data/replay/testing-bundle.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { embedPosts, embedUsersAt } from "../trainer/models/towers/embed.ts";
import { Histories } from "../trainer/models/towers/histories.ts";
import { towerDefaults } from "../trainer/models/towers/hyperparameters.ts";
import { poolHistories } from "../trainer/models/towers/model.ts";
import { trainTowers } from "../trainer/models/towers/train.ts";

const [folder, size, firsts, seeds] = process.argv.slice(2);
if (!seeds) throw new Error("npm run bench -- cold-posts FOLDER SIZE FIRST,FIRST,… SEED,SEED,…");
await startBackend();
const whole = await communityFromBundle(folder);
const raw = await readVectors();
const found: Record<string, number[][]> = {};
for (const first of firsts.split(",").map(Number)) {
  const words = cutOf(whole, first, Number(size));
  const seen = Math.floor(Number(size) * 0.8);
  const both = { ...words, posts: { ...words.posts, vectors: reduced(words.posts.ids, seen) } };
  const asked = peopleAsked(words, seen);
  for (const seed of seeds.split(",").map(Number)) {
    keep("words", await byTowers(words, seen, asked, seed));
    keep("words and vectors", await byTowers(both, seen, asked, seed));
  }
  keep("cosine of vectors", byCosine(both.posts.vectors, seen, asked));
}
for (const [name, rows] of Object.entries(found)) {
  const mean = (column: number) => rows.reduce((sum, row) => sum + row[column], 0) / rows.length;
  console.log(`${name.padEnd(18)} R@20 ${mean(0).toFixed(3)}  MRR ${mean(1).toFixed(3)}`);
}

function keep(name: string, metrics: number[]): void {
  found[name] ??= [];
  found[name].push(metrics);
}

async function readVectors(): Promise<Map<string, number[]>> {
  const { post_vectors } = await openBundle(folder);
  if (!post_vectors) throw new Error(`${folder} has no vectors: npm run bench -- encode ${folder}`);
  const vectors = new Map<string, number[]>();
  for await (const { records } of readPart("post_vectors", post_vectors.path))
    for (const { post_id, vector } of records) vectors.set(post_id, vector);
  return vectors;
}

function cutOf({ users, posts, interactions }: Community, first: number, count: number): Community {
  const inside = Uint32Array.from(interactions.posts.keys()).filter(
    (i) => interactions.posts[i] >= first && interactions.posts[i] < first + count,
  );
  const kept = pickRows(interactions, inside);
  return {
    users,
    posts: pickRows(
      posts,
      Uint32Array.from({ length: count }, (_, i) => first + i),
    ),
    interactions: { ...kept, posts: kept.posts.map((post) => post - first) },
  };
}

/** By a basis of the posts that training sees. */
function reduced(ids: string[], seen: number): (Float32Array | null)[] {
  const vectors = ids.map((id) => raw.get(id) ?? []);
  const basis = basisFromVectors("bundle", vectors.slice(0, seen));
  return vectors.map((vector) => reduceVector(vector, basis));
}

interface Asked {
  user: number;
  history: number[];
  /** Unseen posts that they interacted with. */
  came: Set<number>;
}

function peopleAsked(community: Community, seen: number): Asked[] {
  const { posts, interactions } = community;
  const past = new Histories(community, posts.createdAt[seen]);
  const came = new Map<number, Set<number>>();
  for (const [i, post] of interactions.posts.entries()) {
    const user = interactions.users[i];
    if (post < seen || posts.authors[post] === user) continue;
    came.set(user, (came.get(user) ?? new Set()).add(post));
  }
  return [...came].flatMap(([user, came]) => {
    const history = past.latest(user, posts.createdAt[seen]);
    return history.length > 0 ? [{ user, history, came }] : [];
  });
}

async function byTowers(community: Community, seen: number, asked: Asked[], seed: number): Promise<number[]> {
  const until = community.posts.createdAt[seen];
  const { towers, data } = await trainTowers(community, { ...towerDefaults, seed, until });
  const vectors = embedPosts(towers, data, community.posts.ids.length);
  return metricsOf(embedUsersAt(towers, data, asked, vectors), vectors, dimensions, seen, asked);
}

/** What no tower has learned: the cosine of a post's vector with the mean of the history's. */
function byCosine(vectors: (Float32Array | null)[], seen: number, asked: Asked[]): number[] {
  const unit = new Float32Array(vectors.length * vectorWidth);
  for (const [post, vector] of vectors.entries()) {
    const length = vector ? Math.hypot(...vector) : 0;
    if (vector && length > 0)
      unit.set(
        vector.map((value) => value / length),
        post * vectorWidth,
      );
  }
  // in halves, since histories are pooled 32 numbers at a time
  const half = (from: number) =>
    Float32Array.from(
      { length: vectors.length * dimensions },
      (_, i) => unit[Math.floor(i / dimensions) * vectorWidth + from + (i % dimensions)],
    );
  const histories = asked.map(({ history }) => history);
  const pooled = [half(0), half(dimensions)].map((each) => poolHistories(histories, each));
  const users = Float32Array.from({ length: asked.length * vectorWidth }, (_, i) => {
    const [row, d] = [Math.floor(i / vectorWidth), i % vectorWidth];
    return pooled[Math.floor(d / dimensions)][row * dimensions + (d % dimensions)];
  });
  return metricsOf(users, unit, vectorWidth, seen, asked);
}

function metricsOf(users: Float32Array, posts: Float32Array, width: number, seen: number, asked: Asked[]): number[] {
  let [recall, reciprocal] = [0, 0];
  const unseen = Array.from({ length: posts.length / width - seen }, (_, i) => seen + i);
  for (const [row, { came }] of asked.entries()) {
    const scores = new Map(unseen.map((post) => [post, innerProduct(users, row * width, posts, post * width, width)]));
    const ranked = unseen.toSorted((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
    recall += ranked.slice(0, 20).filter((post) => came.has(post)).length / Math.min(20, came.size);
    reciprocal += 1 / (1 + ranked.findIndex((post) => came.has(post)));
  }
  return [recall / asked.length, reciprocal / asked.length];
}
