/** Which posts are one conversation, as the app says in recsys.source_conversations. */
import { sql } from "kysely";
import type { Pool, Query } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { Log } from "../http/log.ts";
import { type FoundFacts, openPostFacts, type PostFacts } from "./post-facts.ts";
import type { PostCandidate } from "./states.ts";

export function openConversations(pool: Pool, log: Log): PostFacts<string> {
  return openPostFacts(pool, log, "conversations_failed", readConversations);
}

/** Tells posts which conversation they belong to. */
export async function tellConversations(conversations: PostFacts<string>, posts: PostCandidate[]): Promise<void> {
  const known = await conversations.of(posts.map(({ post_id }) => post_id));
  if (known.size > 0) for (const post of posts) post.conversation = known.get(post.post_id) ?? null;
}

function readConversations(postIds: string[]): Query<FoundFacts<string>> {
  const found = db
    .selectFrom("recsys.source_conversations")
    .select(["post_id", "conversation"])
    .where("post_id", "=", anyOf(postIds))
    .where("conversation", "is not", null);
  return db.selectFrom(found.as("found")).select(({ fn }) => [
    // whether the app has redefined the view: to look for a row in it took .25 s beside 100,000 posts of which none is in it
    sql<boolean>`exists (select from recsys.relations_under('recsys.source_conversations'))`.as("any"),
    fn<Record<string, string> | null>("json_object_agg", ["found.post_id", "found.conversation"]).as("facts"),
  ]);
}
