/**
 * The topics of posts, kept by the worker: a post changes its topic when it is edited or topics are remade, and that may be shown a minute later. Read as the
 * service, of posts that the caller is shown, or may be.
 */

import { readAs, service } from "../database/caller.ts";
import type { Pool, Query } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { Log } from "../http/log.ts";
import type { FeedSettings } from "./feed-settings.ts";
import type { PostCandidate } from "./states.ts";

/** In milliseconds. */
const keptFor = 60_000;
/** Of so many posts: 3 MB. More begin from scratch. */
const keptPosts = 20_000;
/** Nothing of a feed waits for it longer; where it takes longer, or fails, feeds do without for ten seconds. */
const timeout = "250ms";
const pause = 10_000;

export interface Topic {
  id: number;
  /** Empty: it has no name. */
  label: string;
  /** Whether visitors may be told the label. */
  isPublic: boolean;
}

export function openTopics(pool: Pool, log: Log, clock = () => performance.now()) {
  let known = new Map<string, Topic | null>();
  let keptUntil = 0;
  let notBefore = 0;
  /** There is none at all, so none has to be asked for. */
  let none = false;
  return {
    /** Of some posts those that have a topic; none of what cannot be had just now. Throws nothing. */
    async of(postIds: string[]): Promise<Map<string, Topic>> {
      const now = clock();
      if (now >= keptUntil || known.size > keptPosts) {
        known = new Map();
        none = false;
        keptUntil = now + keptFor;
      }
      const unknown = none ? [] : postIds.filter((id) => !known.has(id));
      if (unknown.length > 0 && now >= notBefore) {
        const into = known;
        try {
          const [found] = await readAs(pool, service, readTopics(unknown), async (_, rows) => rows, timeout);
          none = !found.any;
          for (const id of unknown) into.set(id, null);
          for (const [i, id] of (found.post_ids ?? []).entries()) {
            into.set(id, { id: found.topic_ids[i], label: found.labels[i], isPublic: found.public[i] });
          }
        } catch (error) {
          notBefore = clock() + pause;
          log("topics_failed", error);
        }
      }
      const topics = new Map<string, Topic>();
      for (const id of postIds) {
        const topic = known.get(id);
        if (topic) topics.set(id, topic);
      }
      return topics;
    },
  };
}
export type TopicsCache = ReturnType<typeof openTopics>;

/** Tells posts their topics, where the settings ask for them. */
export async function tellTopics(
  topics: TopicsCache,
  posts: PostCandidate[],
  { topic_share }: FeedSettings,
): Promise<void> {
  if (topic_share === 1) return;
  const known = await topics.of(posts.map(({ post_id }) => post_id));
  for (const post of posts) post.topic_id = known.get(post.post_id)?.id ?? null;
}

/** One row of columns; without any post all but the first are null. */
interface Columns {
  any: boolean;
  post_ids: string[] | null;
  topic_ids: number[];
  labels: string[];
  public: boolean[];
}

function readTopics(postIds: string[]): Query<Columns> {
  const found = db
    .selectFrom("recsys.post_topics as joined")
    .innerJoin("recsys.topics as topics", "topics.topic_id", "joined.topic_id")
    .select(["joined.post_id", "topics.topic_id", "topics.label", "topics.is_public"])
    .where("joined.post_id", "=", anyOf(postIds));
  return db
    .selectFrom(found.as("found"))
    .select(({ exists, fn, selectFrom }) => [
      exists(selectFrom("recsys.topics").select("topic_id")).$castTo<boolean>().as("any"),
      fn.jsonAgg("found.post_id").as("post_ids"),
      fn.jsonAgg("found.topic_id").as("topic_ids"),
      fn.jsonAgg("found.label").as("labels"),
      fn.jsonAgg("found.is_public").as("public"),
    ]);
}
