/**
 * Topics of the active model's vectors, made next to the old ones and then put in their place:
 * - vectors (pages) ──> k-means, begun where the earlier topics' posts are now ──> without those too small
 * - ──> matched to earlier topics ──> names ──> one transaction
 */
import { sql } from "kysely";
import type pg from "pg";
import { holdLock } from "../../db/hold-lock.ts";
import type { WorkContext } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";
import { Random } from "../models/nn/random.ts";
import { type Clustering, kMeans, meansOf, numberOfTopics, rowsOf, settle } from "./k-means.ts";
import { matchTopics } from "./match.ts";
import { nameTopic, type TopicName } from "./name-topic.ts";
import { type PostList, type ReadContext, readModelPosts } from "./read-posts.ts";
import { readTexts } from "./read-texts.ts";
import { seed } from "./seeding.ts";
import { AllTerms, type TopicTerms } from "./term-counts.ts";
import { writeTopics } from "./write-topics.ts";

export interface TopicsMade {
  modelName: string;
  posts: number;
  topics: number;
  /** How many of them were there before. */
  kept: number;
}

/** So many posts of a topic, drawn at random, are read for its name. */
const namedBy = 300;

/**
 * Makes the topics of the active model and returns what came out; null: others make them just now, or another model serves since. Throws a
 * `UserError` where no model is active. Killed anywhere, it leaves the earlier ones.
 */
export async function makeTopics(context: WorkContext): Promise<TopicsMade | null> {
  const release = await holdLock(context.database, "topics_made");
  if (!release) return null;
  try {
    const client = await context.database.pool.connect();
    try {
      return await makeLocked({ client, ...context });
    } finally {
      client.release();
    }
  } finally {
    await release();
  }
}

async function makeLocked(context: ReadContext): Promise<TopicsMade | null> {
  const { client, onProgress, signal } = context;
  const query = db
    .selectFrom("recsys.models")
    .select(["model_id", "name", "feature_spec_digest as featureSpecDigest", sql<string>`now()::text`.as("started_at")])
    .where("status", "=", "active");
  const [found] = await run(client, query);
  if (!found) throw new UserError("no model is active, and topics are made of its vectors: publish one first");
  const { started_at, model_id: modelId, ...model } = found;
  const active = { ...model, id: modelId };
  const earlier = await readEarlier(client);
  const random = new Random(1);
  const { posts, clustering } = await clusterPosts(context, active, random);
  const matched = matchTopics(posts.topics, clustering.nearest, rowsOf(clustering.centroids));
  const kept = matched.map((topic) => (topic !== null && earlier.has(topic) ? topic : null));
  const labels = kept.map((topic) => (topic === null ? null : (earlier.get(topic) ?? null)));
  const names = await nameAll(context, posts, clustering, labels, random);
  signal.throwIfAborted();
  const made = { modelId, kept, names, ...clustering };
  if (!(await writeTopics(client, posts, made, started_at, onProgress))) return null;
  return {
    modelName: active.name,
    posts: posts.topics.length,
    topics: names.length,
    kept: kept.filter((topic) => topic !== null).length,
  };
}

/** The label of each topic that there is. */
async function readEarlier(client: pg.ClientBase): Promise<Map<number, string>> {
  const rows = await run(client, db.selectFrom("recsys_engine.topics").select(["topic_id", "label"]));
  return new Map(rows.map(({ topic_id, label }) => [topic_id, label]));
}

/** Here alone are the vectors, of a million posts 128 MB: what comes after needs the memory for words. */
async function clusterPosts(
  { client, onProgress, signal }: ReadContext,
  active: { id: number; name: string; featureSpecDigest: string },
  random: Random,
): Promise<{ posts: PostList; clustering: Clustering }> {
  const { graphs } = await modelCache(loadRuntime)(active, client, ["post_tower"]);
  const { vectors, posts } = await readModelPosts({ client, onProgress, signal }, Number(active.id), graphs.post_tower);
  const n = rowsOf(vectors);
  const k = numberOfTopics(n);
  const start = seed(vectors, k, random, earlierMeans(vectors, posts.topics, k));
  const onShare = (share: number) => {
    signal.throwIfAborted();
    onProgress({ step: "finding topics", done: Math.round(share * n), total: n });
  };
  const clustering = await settle(vectors, await kMeans(vectors, start, random, onShare));
  onShare(1);
  return { posts, clustering };
}

/** Where the posts of the `k` largest topics that there are lie in these vectors: begun there, a topic is found again in those of another model. */
function earlierMeans(vectors: Float32Array, topics: Int32Array, k: number): Float32Array<ArrayBuffer> {
  const sizes = new Map<number, number>();
  for (const topic of topics) if (topic >= 0) sizes.set(topic, (sizes.get(topic) ?? 0) + 1);
  const largest = [...sizes].sort(([a, m], [b, n]) => n - m || a - b).slice(0, k);
  const place = new Map(largest.map(([topic], place) => [topic, place]));
  return meansOf(
    vectors,
    topics.map((topic) => place.get(topic) ?? -1),
    largest.length,
  ).centroids;
}

/** A name for each topic, the largest first, so that of two that would have the same one it is theirs. */
async function nameAll(
  { client, onProgress, signal }: ReadContext,
  posts: PostList,
  { centroids, nearest }: Clustering,
  labels: (string | null)[],
  random: Random,
): Promise<TopicName[]> {
  const k = rowsOf(centroids);
  const members: number[][] = Array.from({ length: k }, () => []);
  for (const [i, c] of nearest.entries()) members[c].push(i);
  const all = new AllTerms();
  const counted: TopicTerms[] = [];
  for (const [c, places] of members.entries()) {
    signal.throwIfAborted();
    onProgress({ step: "naming topics", done: c, total: k });
    const drawn = random
      .shuffle([...places])
      .slice(0, namedBy)
      .map(posts.idOf);
    counted[c] = all.count(await readTexts(client, drawn));
  }
  const names: TopicName[] = [];
  const taken = new Set<string>();
  for (const c of [...members.keys()].sort((a, b) => members[b].length - members[a].length || a - b)) {
    names[c] = nameTopic(counted[c], all, labels[c], taken);
    taken.add(names[c].label);
  }
  onProgress({ step: "naming topics", done: k, total: k });
  return names;
}
