/**
 * Every post that has a vector of the active model, with the vector that its post tower gives for what the post says: without its author and the ID
 * embedding. Those say who comes to a post, and when it was written: of travel-se's topics by the vectors that serve (k 60), time explained 64 %,
 * and two posts of a topic shared 1.6 % of their titles' words, by rarity; of those by text alone 35 and 2.6 %.
 */

import type pg from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { postTextInput, postTowerInputs } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import type { InferenceSession } from "../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../supabase/functions/_shared/towers/tower-vectors.ts";
import { normalise } from "./vectors.ts";

/** With 1,000, topics of a million posts took 56 MB more at their peak. */
const page = 250;
const idBytes = 16;

export interface ReadPosts {
  /** [N, 32], of unit length. */
  vectors: Float32Array;
  posts: PostList;
}

export interface PostList {
  /** The topic_id that each post has now; −1: none. */
  topics: Int32Array;
  idOf(i: number): string;
}

export interface ReadContext {
  client: pg.PoolClient;
  onProgress: OnProgress;
  signal: AbortSignal;
}

interface PostRow {
  post_id: string;
  is_there: boolean;
  title: string;
  description: string;
  tags: string[];
  topic_id: number | null;
  /** Of a post that says nothing: it is placed by who comes to it. */
  embedding: string | null;
}

/** Those of a model, in the order of their ids, in pages. A vector that is not of finite numbers is left out. */
export async function readPosts(
  { client, onProgress, signal }: ReadContext,
  modelId: number,
  tower: InferenceSession,
): Promise<ReadPosts> {
  const { rows } = await client.query("select count(*) as n from recsys.post_embeddings where model_id = $1", [
    modelId,
  ]);
  const total: number = rows[0].n;
  // some may be written while these are read
  const most = total + page;
  const vectors = new Float32Array(most * dimensions);
  const ids = Buffer.alloc(most * idBytes);
  const topics = new Int32Array(most);
  let n = 0;
  let after = "00000000-0000-0000-0000-000000000000";
  for (let done = 0; ; ) {
    signal.throwIfAborted();
    const read = await client.query<PostRow>(pageQuery, [modelId, after, page]);
    // a post may be gone, and its vector not yet
    const posts = read.rows.filter(({ is_there }) => is_there);
    const embedded = posts.length > 0 ? await embeddingsOf(tower, postTowerInputs(posts.map(postTextInput))) : [];
    for (const [i, { post_id, topic_id, embedding }] of posts.entries()) {
      if (n === most) break;
      vectors.set(embedding === null ? embedded[i] : JSON.parse(embedding), n * dimensions);
      if (!normalise(vectors, n)) continue;
      ids.write(post_id.replaceAll("-", ""), n * idBytes, "hex");
      topics[n] = topic_id ?? -1;
      n++;
    }
    done += read.rows.length;
    onProgress({ step: "reading posts", done, total: Math.max(done, total) });
    if (read.rows.length < page || n === most) break;
    after = read.rows[read.rows.length - 1].post_id;
  }
  return {
    vectors: vectors.subarray(0, n * dimensions),
    posts: {
      topics: topics.subarray(0, n),
      idOf: (i) =>
        ids.toString("hex", i * idBytes, (i + 1) * idBytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    },
  };
}

/** The tower reads the first 64 different words of a description. A page by the vectors' own index, and then the posts: the other way round a page may have no vector at all. */
const pageQuery = `
  select found.post_id, posts.post_id is not null as is_there, coalesce(posts.title, '') as title, left(coalesce(posts.description, ''), 5000) as description,
    coalesce(posts.tags, '{}') as tags, post_topics.topic_id,
    case when btrim(concat(posts.title, posts.description)) = '' and coalesce(posts.tags, '{}') = '{}' then found.embedding::text end as embedding
  from (
    select post_id, embedding from recsys.post_embeddings where model_id = $1 and post_id > $2::uuid order by post_id limit $3
  ) as found
  left join recsys.source_posts as posts on posts.post_id = found.post_id
  left join recsys.post_topics on post_topics.post_id = found.post_id
  order by found.post_id`;
