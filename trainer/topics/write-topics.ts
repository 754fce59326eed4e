/** Puts new topics in the place of the earlier ones, in one transaction: a reader sees those or these. */
import { sql } from "kysely";
import type pg from "pg";
import { textArray } from "../../db/import/array-literal.ts";
import type { OnProgress } from "../../db/progress.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { db, fn, unnest } from "../../supabase/functions/_shared/database/query.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import type { Clustering } from "./k-means.ts";
import type { TopicName } from "./name-topic.ts";
import type { PostList } from "./read-posts.ts";

const page = 2_000;

/** The builder, with the table that holds them until they are put in their place. */
const made = db.withTables<{ made_post_topics: { post_id: string; topic: number; similarity: number } }>();

export interface MadeTopics extends Clustering {
  modelId: number;
  /** The topic_id that each keeps; null: it is new. */
  kept: (number | null)[];
  names: TopicName[];
}

/** Writes topics, the topic of each post, their figures, and that it was done. `startedAt`: by the database's clock; what joined a topic since is left there. Returns false, and writes nothing, where another model serves by now. */
export async function writeTopics(
  client: pg.ClientBase,
  posts: PostList,
  topics: MadeTopics,
  startedAt: string,
  onProgress: OnProgress,
): Promise<boolean> {
  const n = topics.nearest.length;
  await client.query("begin");
  try {
    // a million rows take longer than the two minutes after which Supabase ends a statement
    await client.query("set local statement_timeout = 0");
    await client.query(
      "create temporary table made_post_topics (post_id uuid, topic integer, similarity real) on commit drop",
    );
    for (let first = 0; first < n; first += page) {
      const places = Array.from({ length: Math.min(page, n - first) }, (_, i) => first + i);
      const rows = unnest({
        post_id: ["uuid", places.map(posts.idOf)],
        topic: ["integer", places.map((i) => topics.nearest[i])],
        similarity: ["real", places.map((i) => topics.similarity[i])],
      });
      const columns = ["post_id", "topic", "similarity"] as const;
      const insert = made.insertInto("made_post_topics").columns(columns);
      await run(client, insert.expression(made.selectFrom(rows.as("rows")).select(columns)));
      onProgress({ step: "writing topics", done: first + places.length, total: n });
    }
    const written = await swap(client, topics, startedAt);
    await client.query(written ? "commit" : "rollback");
    return written;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

async function swap(client: pg.ClientBase, topics: MadeTopics, startedAt: string): Promise<boolean> {
  const { modelId, kept, names, centroids } = topics;
  // vectors that are written meanwhile join no topic: recsys_engine.assign_topics() sees that this is held
  await client.query("select recsys_engine.take_lock('topics')");
  const serving = db.selectFrom("recsys.models").select("name").where("status", "=", "active");
  if ((await run(client, serving.where("model_id", "=", modelId))).length === 0) return false;
  const ids = kept.flatMap((id) => id ?? []);
  await run(client, db.deleteFrom("recsys_engine.topics").where("topic_id", "<>", sql<number>`all(${ids}::bigint[])`));
  // ids of new ones in the order of their numbers
  const nextId = sql<number>`nextval(pg_get_serial_sequence('recsys_engine.topics', 'topic_id'))::integer`;
  const numbered = db
    .selectFrom(unnest({ topic_id: ["bigint", kept] }).as("kept"))
    .select((topic) => topic.fn.coalesce("topic_id", nextId).as("id"))
    .orderBy("number");
  const topicIds = (await run(client, numbered)).map(({ id }) => id);
  const topicRows = unnest({
    topic_id: ["bigint", topicIds],
    label: ["text", names.map(({ label }) => label)],
    terms: ["text[]", names.map(({ terms }) => textArray(terms))],
    is_public: ["boolean", names.map(({ isPublic }) => isPublic)],
    centroid: ["extensions.vector", topicIds.map((_, c) => JSON.stringify([...vectorAt(centroids, c)]))],
  });
  const written = db
    .selectFrom(topicRows.as("written"))
    .select(["topic_id", sql<number>`${modelId}::bigint`.as("model_id"), "label", "terms", "is_public", "centroid"]);
  const topicsNow = db
    .insertInto("recsys_engine.topics")
    .columns(["topic_id", "model_id", "label", "terms", "is_public", "centroid"])
    .expression(sql`overriding system value ${written}`)
    .onConflict((topic) =>
      topic.column("topic_id").doUpdateSet(({ ref }) => ({
        model_id: ref("excluded.model_id"),
        label: ref("excluded.label"),
        terms: ref("excluded.terms"),
        is_public: ref("excluded.is_public"),
        centroid: ref("excluded.centroid"),
      })),
    );
  await run(client, topicsNow);
  const left = made
    .deleteFrom("recsys_engine.post_topics")
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("made_post_topics as made")
            .select("made.post_id")
            .whereRef("made.post_id", "=", "recsys_engine.post_topics.post_id"),
        ),
      ),
    );
  await run(client, left);
  const joined = made
    .selectFrom("made_post_topics")
    .select(({ ref }) => [
      "post_id",
      sql<number>`(${topicIds}::bigint[])[${ref("topic")} + 1]`.as("topic_id"),
      "similarity",
    ]);
  const joining = made
    .insertInto("recsys_engine.post_topics")
    .columns(["post_id", "topic_id", "similarity"])
    .expression(joined)
    .onConflict((post) =>
      post
        .column("post_id")
        .doUpdateSet(({ ref }) => ({
          topic_id: ref("excluded.topic_id"),
          similarity: ref("excluded.similarity"),
          assigned_at: ref("excluded.assigned_at"),
        }))
        .where("recsys_engine.post_topics.assigned_at", "<", sql<Date>`${startedAt}::timestamptz`),
    );
  await run(client, joining);
  await joinAgain(client, modelId);
  await run(client, call("recsys_engine.refresh_topics", {}));
  const took = sql<string>`clock_timestamp() - ${startedAt}::timestamptz`;
  const done = { model_id: modelId, posts: topics.nearest.length, topics: topicIds.length, kept: ids.length, took };
  await run(client, db.insertInto("recsys_engine.topic_runs").values(done));
  return true;
}

/** Posts that were edited since they were read joined one of the earlier topics, and stay with it where it is still there. */
async function joinAgain(client: pg.ClientBase, modelId: number): Promise<void> {
  const stayed = db
    .selectFrom("recsys_engine.post_topics as joined")
    .leftJoin("recsys_engine.topics as topics", "topics.topic_id", "joined.topic_id")
    .select("joined.post_id")
    .where("topics.topic_id", "is", null);
  const posts = sql<string[]>`array(${stayed})`;
  await run(
    client,
    db.selectNoFrom(fn("recsys_engine.assign_topics", { p_model_id: modelId, p_post_ids: posts }).as("joined")),
  );
}
