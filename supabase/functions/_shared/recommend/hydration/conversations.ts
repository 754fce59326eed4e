/** Which posts are one conversation, as the app says in recsys.source_conversations. */
import { sql } from "kysely";
import type { Pool, Query } from "../../database/database.ts";
import { anyOf, db } from "../../database/query.ts";
import { readAs, service } from "../../database/run-as-caller.ts";
import type { Log } from "../../http/log.ts";
import type { PostCandidate } from "../context/user-state.ts";
import { createPostAttributeCache, type PostAttributeCache, type PostAttributesRow } from "./post-attribute-cache.ts";

/**
 * A worker checks for conversations as often as takes this share of its time: a check takes 3 ms with 2,500 posts
 * without any, 0.25 s with 100,000, and so runs once in 50 s.
 */
const shareOfTime = 0.005;
/** In milliseconds: of a first look nothing is learned of how long one takes, since it opens a connection, too (158 ms instead of 3). */
const afterFirst = 1_000;
/** A feed waits for what takes no longer than that, in milliseconds. */
const soon = 20;
/** Where it takes longer there may be some: to ask then costs 1.7 ms of a feed of 26. */
const lookAtMost = "1s";

/** Where there are none at all, no feed asks. */
export function createConversationCache(
  pool: Pool,
  log: Log,
  clock = () => performance.now(),
): PostAttributeCache<string> {
  const facts = createPostAttributeCache(pool, log, "conversations_failed", readConversations, clock);
  let areAny = true;
  let notBefore = Number.NEGATIVE_INFINITY;
  let taken: number | undefined;
  let looks = 0;
  return {
    async of(postIds) {
      if (clock() >= notBefore) {
        notBefore = Number.POSITIVE_INFINITY;
        const looked = look();
        if (taken !== undefined && taken <= soon) await looked;
      }
      return areAny ? await facts.of(postIds) : new Map();
    },
  };

  async function look(): Promise<void> {
    const begun = clock();
    const first = db.selectFrom("recsys.source_conversations").select("post_id").where("conversation", "is not", null);
    const looked = readAs(pool, service, first.limit(1), async (_, rows) => rows.length > 0, lookAtMost);
    areAny = await looked.catch(() => true);
    taken = looks++ > 0 ? clock() - begun : undefined;
    notBefore = clock() + (taken === undefined ? afterFirst : taken / shareOfTime);
  }
}

/** Tells posts which conversation they belong to. */
export async function hydrateConversations(
  conversations: PostAttributeCache<string>,
  posts: PostCandidate[],
): Promise<void> {
  const known = await conversations.of(posts.map(({ post_id }) => post_id));
  if (known.size > 0) for (const post of posts) post.conversation = known.get(post.post_id) ?? null;
}

function readConversations(postIds: string[]): Query<PostAttributesRow<string>> {
  const found = db
    .selectFrom("recsys.source_conversations")
    .select(["post_id", "conversation"])
    .where("post_id", "=", anyOf(postIds))
    .where("conversation", "is not", null);
  return db
    .selectFrom(found.as("found"))
    .select(({ fn }) => [
      sql<boolean>`true`.as("any"),
      fn<Record<string, string> | null>("json_object_agg", ["found.post_id", "found.conversation"]).as("facts"),
    ]);
}
