/** Puts new topics in the place of the earlier ones, in one transaction: a reader sees those or these. */
import type pg from "pg";
import type { OnProgress } from "../../db/progress.ts";
import type { Clustering } from "./k-means.ts";
import type { TopicName } from "./name-topic.ts";
import type { PostList } from "./read-posts.ts";
import { row, rowsOf } from "./vectors.ts";

const page = 2_000;

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
      await client.query("insert into made_post_topics select * from unnest($1::uuid[], $2::integer[], $3::real[])", [
        places.map(posts.idOf),
        places.map((i) => topics.nearest[i]),
        places.map((i) => topics.similarity[i]),
      ]);
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
  // vectors that are written meanwhile join no topic: recsys.assign_topics() sees that this is held
  await client.query("select pg_advisory_xact_lock(hashtext('recsys.topics'))");
  const serving = await client.query("select from recsys.models where model_id = $1 and status = 'active'", [modelId]);
  if (!serving.rowCount) return false;
  const ids = kept.flatMap((id) => id ?? []);
  await client.query("delete from recsys.topics where topic_id <> all ($1::bigint[])", [ids]);
  // ids of new ones in the order of their numbers
  const { rows } = await client.query<{ ids: number[] }>(
    `select coalesce(array_agg(coalesce(kept.topic_id, nextval(pg_get_serial_sequence('recsys.topics', 'topic_id')))::integer order by kept.number), '{}') as ids
     from unnest($1::bigint[]) with ordinality as kept (topic_id, number)`,
    [kept],
  );
  const topicIds = rows[0].ids;
  await client.query(
    `insert into recsys.topics (topic_id, model_id, label, terms, is_public, centroid) overriding system value
     select made.topic_id, $2, made.label, array(select jsonb_array_elements_text(made.terms)), made.is_public, made.centroid::extensions.vector
     from unnest($1::bigint[], $3::text[], $4::jsonb[], $5::boolean[], $6::text[]) as made (topic_id, label, terms, is_public, centroid)
     on conflict (topic_id) do update set model_id = excluded.model_id, label = excluded.label, terms = excluded.terms, is_public = excluded.is_public, centroid = excluded.centroid`,
    [
      topicIds,
      modelId,
      names.map(({ label }) => label),
      names.map(({ terms }) => JSON.stringify(terms)),
      names.map(({ isPublic }) => isPublic),
      Array.from({ length: rowsOf(centroids) }, (_, c) => JSON.stringify([...row(centroids, c)])),
    ],
  );
  await client.query(
    "delete from recsys.post_topics where not exists (select from made_post_topics as made where made.post_id = post_topics.post_id)",
  );
  await client.query(
    `insert into recsys.post_topics as joined (post_id, topic_id, similarity)
     select made.post_id, ($1::bigint[])[made.topic + 1], made.similarity from made_post_topics as made
     on conflict (post_id) do update set topic_id = excluded.topic_id, similarity = excluded.similarity, assigned_at = excluded.assigned_at
     where joined.assigned_at < $2`,
    [topicIds, startedAt],
  );
  await joinAgain(client, modelId);
  await client.query("select recsys.refresh_topics()");
  await client.query(
    "insert into recsys.topic_runs (model_id, posts, topics, kept, took) values ($1, $2, $3, $4, clock_timestamp() - $5::timestamptz)",
    [modelId, topics.nearest.length, topicIds.length, ids.length, startedAt],
  );
  return true;
}

/** Posts that were edited since they were read joined one of the earlier topics, and stay with it where it is still there. */
async function joinAgain(client: pg.ClientBase, modelId: number): Promise<void> {
  await client.query(
    `select recsys.assign_topics($1, array(
       select post_id from recsys.post_topics where not exists (select from recsys.topics where topics.topic_id = post_topics.topic_id)
     ))`,
    [modelId],
  );
}
