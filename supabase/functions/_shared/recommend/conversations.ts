/** Which posts are one conversation, as the app says in recsys.source_conversations. */
import { sql } from "kysely";
import { readAs, service } from "../database/caller.ts";
import type { Pool, Query } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { Log } from "../http/log.ts";
import { type FoundFacts, openPostFacts, type PostFacts } from "./post-facts.ts";
import type { PostCandidate } from "./states.ts";

/** In milliseconds: to look for a row took .25 s beside 100,000 posts of which none is in it, and no feed waits for that. */
const lookEvery = 600_000;
/** Where it takes longer there may be some: to ask then costs 1.7 ms of a feed of 26. */
const lookAtMost = "1s";

/** Where there are none at all, no feed asks. */
export function openConversations(pool: Pool, log: Log, clock = () => performance.now()): PostFacts<string> {
  const facts = openPostFacts(pool, log, "conversations_failed", readConversations, clock);
  let areAny = true;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    async of(postIds) {
      if (clock() - lookedAt >= lookEvery) {
        lookedAt = clock();
        void look().then((found) => {
          areAny = found;
        });
      }
      return areAny ? await facts.of(postIds) : new Map();
    },
  };

  async function look(): Promise<boolean> {
    const first = db.selectFrom("recsys.source_conversations").select("post_id").where("conversation", "is not", null);
    const looked = readAs(pool, service, first.limit(1), async (_, rows) => rows.length > 0, lookAtMost);
    return await looked.catch(() => true);
  }
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
  return db
    .selectFrom(found.as("found"))
    .select(({ fn }) => [
      sql<boolean>`true`.as("any"),
      fn<Record<string, string> | null>("json_object_agg", ["found.post_id", "found.conversation"]).as("facts"),
    ]);
}
