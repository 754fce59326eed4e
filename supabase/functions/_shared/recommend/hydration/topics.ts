/** What posts are about, by the topics of the active model. */
import { sql } from "kysely";
import type { Pool, Query } from "../../database/database.ts";
import { anyOf, db } from "../../database/query.ts";
import type { Log } from "../../http/log.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { FeedSettings } from "../request/feed-settings.ts";
import { createPostAttributeCache, type PostAttributeCache, type PostAttributesRow } from "./post-attribute-cache.ts";

export interface Topic {
  id: number;
  /** Empty: it has no name. */
  label: string;
  /** Whether visitors may be told the label. */
  isPublic: boolean;
}

export function createTopicCache(pool: Pool, log: Log, clock?: () => number): PostAttributeCache<Topic> {
  return createPostAttributeCache(pool, log, "topics_failed", readTopics, clock);
}

/** Tells posts their topics, where the settings ask for them. */
export async function hydrateTopics(
  topics: PostAttributeCache<Topic>,
  posts: PostCandidate[],
  { topic_share }: FeedSettings,
): Promise<void> {
  if (topic_share === 1) return;
  const known = await topics.of(posts.map(({ post_id }) => post_id));
  for (const post of posts) post.topic_id = known.get(post.post_id)?.id ?? null;
}

function readTopics(postIds: string[]): Query<PostAttributesRow<Topic>> {
  const found = db
    .selectFrom("recsys_engine.post_topics as joined")
    .innerJoin("recsys_engine.topics as topics", "topics.topic_id", "joined.topic_id")
    .select((row) => [
      "joined.post_id",
      sql<Topic>`json_build_object('id', ${row.ref("topics.topic_id")}, 'label', ${row.ref("topics.label")},
        'isPublic', ${row.ref("topics.is_public")})`.as("topic"),
    ])
    .where("joined.post_id", "=", anyOf(postIds));
  return db
    .selectFrom(found.as("found"))
    .select(({ exists, fn, selectFrom }) => [
      exists(selectFrom("recsys_engine.topics").select("topic_id")).$castTo<boolean>().as("any"),
      fn<Record<string, Topic> | null>("json_object_agg", ["found.post_id", "found.topic"]).as("facts"),
    ]);
}
