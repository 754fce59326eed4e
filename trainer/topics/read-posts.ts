/**
 * Reads posts with a vector of the active model and their post tower's vector of the text alone, without author and ID embedding, which tell
 * readers and time: time explained 64 % of travel-se's topics (k 60) by served vectors, 35 % by text; shared title words 1.6 and 2.6 %.
 */

import { sql } from "kysely";
import type pg from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db, textOf } from "../../supabase/functions/_shared/database/query.ts";
import { parseVector } from "../../supabase/functions/_shared/database/vectors.ts";
import { basisOfModel } from "../../supabase/functions/_shared/embed/read-jobs.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { PostText } from "../../supabase/functions/_shared/features/tokens.ts";
import { postTextInput, postTowerInputs } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import type { InferenceSession } from "../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../supabase/functions/_shared/towers/tower-vectors.ts";
import { normalise } from "./k-means.ts";

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

/** Those of a model, in the order of their ids, in pages. A vector that is not of finite numbers is left out. */
export async function readModelPosts(
  { client, onProgress, signal }: ReadContext,
  modelId: number,
  tower: InferenceSession,
): Promise<ReadPosts> {
  const counted = db.selectFrom("recsys.post_embeddings").where("model_id", "=", modelId).select(countOf().as("total"));
  const [{ total }] = await run(client, counted);
  // some may be written while these are read
  const most = total + page;
  const vectors = new Float32Array(most * dimensions);
  const ids = Buffer.alloc(most * idBytes);
  const topics = new Int32Array(most);
  let n = 0;
  let after = "00000000-0000-0000-0000-000000000000";
  for (let done = 0; ; ) {
    signal.throwIfAborted();
    const read = await run(client, pageAfter(modelId, after));
    // a post may be gone, and its vector not yet
    const posts = read.filter(({ is_there }) => is_there);
    const embedded = posts.length > 0 ? await embeddingsOf(tower, postTowerInputs(posts.map(textOfRow), tower)) : [];
    for (const [i, { post_id, topic_id, embedding }] of posts.entries()) {
      if (n === most) break;
      vectors.set(embedding === null ? embedded[i] : JSON.parse(embedding), n * dimensions);
      if (!normalise(vectors, n)) continue;
      ids.write(post_id.replaceAll("-", ""), n * idBytes, "hex");
      topics[n] = topic_id ?? -1;
      n++;
    }
    done += read.length;
    onProgress({ step: "reading posts", done, total: Math.max(done, total) });
    if (read.length < page || n === most) break;
    after = read[read.length - 1].post_id;
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

function textOfRow({ components, ...row }: Omit<PostText, "author_id"> & { components: string | null }) {
  return postTextInput({ ...row, vector: components === null ? null : parseVector(components) });
}

/** The tower reads the first 64 different words of a description. A page by the vectors' own index, and then the posts: the other way round a page may have no vector at all. */
function pageAfter(modelId: number, after: string) {
  const found = db
    .selectFrom("recsys.post_embeddings")
    .select(["post_id", "embedding"])
    .where("model_id", "=", modelId)
    .where("post_id", ">", after)
    .orderBy("post_id")
    .limit(page);
  return db
    .selectFrom(found.as("found"))
    .leftJoin("recsys.source_posts as posts", "posts.post_id", "found.post_id")
    .leftJoin("recsys.models as models", (join) => join.on("models.model_id", "=", modelId))
    .leftJoin("recsys_engine.reduced_vectors as own", (join) =>
      join
        .onRef("own.post_id", "=", "found.post_id")
        .on((model) => sql`${model.ref("own.basis_id")} = ${basisOfModel}`),
    )
    .leftJoin("recsys_engine.post_topics", "recsys_engine.post_topics.post_id", "found.post_id")
    .select((row) => {
      const [title, description, tags] = [row.ref("posts.title"), row.ref("posts.description"), row.ref("posts.tags")];
      const saysNothing = sql`btrim(concat(${title}, ${description})) = '' and coalesce(${tags}, '{}') = '{}'`;
      return [
        "found.post_id",
        sql<boolean>`${row.ref("posts.post_id")} is not null`.as("is_there"),
        textOf(title).as("title"),
        sql<string>`left(${textOf(description)}, 5000)`.as("description"),
        sql<string[]>`coalesce(${tags}, '{}')`.as("tags"),
        "topic_id",
        "own.components",
        // it is placed by who interacts with it
        sql<string | null>`case when ${saysNothing} then ${row.ref("found.embedding")} end`.as("embedding"),
      ];
    })
    .orderBy("found.post_id");
}
