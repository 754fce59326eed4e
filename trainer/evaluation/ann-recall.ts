/**
 * What serving loses by searching with an index: the recall of what pgvector's HNSW index returns, against exact search.
 * The replay itself searches exactly.
 */
import { sql } from "kysely";
import pgvector from "pgvector";
import type { Database } from "../../db/connect.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db, unnest } from "../../supabase/functions/_shared/database/query.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../supabase/functions/_shared/features/inner-product.ts";
import { hnswEfSearch, sources } from "../../supabase/functions/_shared/features/retrieval.ts";
import { vectorAt } from "../models/nn/vector-at.ts";

export interface AnnRecall {
  posts: number;
  users: number;
  /** Mean share of the best k by inner product that are among the index's first k, by k. */
  recall: { k: number; mean: number }[];
  seconds: { build: number; search: number };
}

/** The last is as many as the source brings. */
const depths = [20, sources.similar.size];
/**
 * The most users that are searched for, those of the latest lists: 500 give the mean to ± 0.001 at a recall of 0.99.
 */
const mostUsers = 500;

/** The builder, with the table that is gone with the transaction. */
const ann = db.withTables<{ ann_posts: { post: number; embedding: string } }>();

/**
 * Loads posts' vectors [posts, 32] into a table with the index of recsys_engine.complete_model, and asks it as
 * recsys_engine.retrieve_similar does with users' vectors. The table is gone with the transaction: nothing stays in the database.
 */
export async function annRecall(
  { pool }: Database,
  postVectors: Float32Array,
  userVectors: Float32Array[],
): Promise<AnnRecall> {
  const posts = postVectors.length / dimensions;
  const users = userVectors.slice(-mostUsers);
  const client = await pool.connect();
  try {
    await client.query("begin");
    const started = performance.now();
    await client.query(
      `create temporary table ann_posts (post integer, embedding extensions.vector(${dimensions})) on commit drop`,
    );
    const batch = 2000;
    for (let first = 0; first < posts; first += batch) {
      const numbers = Array.from({ length: Math.min(batch, posts - first) }, (_, i) => first + i);
      const vectors = numbers.map((post) => pgvector.toSql([...vectorAt(postVectors, post)]));
      const rows = unnest({ post: ["integer", numbers], embedding: ["extensions.vector", vectors] });
      const columns = ["post", "embedding"] as const;
      await run(
        client,
        ann
          .insertInto("ann_posts")
          .columns(columns)
          .expression(ann.selectFrom(rows.as("rows")).select(columns)),
      );
    }
    await client.query("set local max_parallel_maintenance_workers = 0");
    await client.query("create index on ann_posts using hnsw (embedding extensions.vector_ip_ops)");
    const built = performance.now();
    // the planner would read a small table as a whole, and it is the index that is tested
    await client.query("set local enable_seqscan = off");
    await client.query("set local hnsw.iterative_scan = 'relaxed_order'");
    await client.query(`set local hnsw.ef_search = ${hnswEfSearch}`);
    const sums = depths.map(() => 0);
    let searching = 0;
    for (const vector of users) {
      const asked = performance.now();
      const nearest = sql`embedding operator(extensions.<#>) ${pgvector.toSql([...vector])}::extensions.vector`;
      const rows = await run(
        client,
        ann.selectFrom("ann_posts").select("post").orderBy(nearest).limit(sources.similar.size),
      );
      searching += performance.now() - asked;
      const found = rows.map(({ post }) => post);
      const shares = recallsOf(vector, postVectors, found, depths);
      for (const [i, share] of shares.entries()) sums[i] += share;
    }
    return {
      posts,
      users: users.length,
      recall: depths.map((k, i) => ({ k, mean: sums[i] / users.length })),
      seconds: { build: (built - started) / 1000, search: searching / 1000 },
    };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** Recall at each k of the posts found, the most similar first; a post as similar as the last right one counts as right. */
export function recallsOf(
  vector: Float32Array,
  postVectors: Float32Array,
  found: number[],
  depths: number[],
): number[] {
  const similarities = Float32Array.from({ length: postVectors.length / dimensions }, (_, post) =>
    innerProduct(vector, 0, postVectors, post * dimensions, dimensions),
  );
  const sorted = similarities.slice().sort().reverse();
  // a relaxed scan is only nearly in order of similarity; recsys_engine.retrieve_similar sorts again what it brings
  const best = found.toSorted((a, b) => similarities[b] - similarities[a]);
  return depths.map((k) => {
    const right = Math.min(k, sorted.length);
    // the database sums in another order, so what is equal there may differ here in the last digits
    const least = sorted[right - 1] - 1e-5 * Math.abs(sorted[right - 1]);
    return best.slice(0, k).filter((post) => similarities[post] >= least).length / right;
  });
}
