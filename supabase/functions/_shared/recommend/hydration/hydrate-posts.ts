/** Reads what page selection needs besides scores: topics, groups, conversations, edits and masked titles of the candidates, each only if needed. */

import type { Pool } from "../../database/database.ts";
import type { Log } from "../../http/log.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { PostCandidate } from "../context/user-state.ts";
import { hydrateConversations } from "./conversations.ts";
import { type Edits, hydrateEditTimes } from "./edit-times.ts";
import { hydrateGroups } from "./groups.ts";
import type { MaskedTitles } from "./masked-titles.ts";
import type { PostAttributeCache } from "./post-attribute-cache.ts";
import { hydrateTopics, type Topic } from "./topics.ts";

/** The pool, and a cache of each attribute that is everybody's. */
interface HydrationServices {
  pool: Pool;
  topics: PostAttributeCache<Topic>;
  conversations: PostAttributeCache<string>;
  edits: Edits;
  titles: MaskedTitles;
  log: Log;
}

/** Throws nothing: what cannot be read posts go without. */
export async function hydratePosts(
  services: HydrationServices,
  posts: PostCandidate[],
  { settings }: Pick<ContextRow, "settings">,
  originals: { titles: string[] } | null,
): Promise<void> {
  await Promise.all([
    hydrateTopics(services.topics, posts, settings),
    hydrateGroups(services, posts, settings),
    hydrateConversations(services.conversations, posts),
    hydrateEditTimes(services.edits, posts),
    services.titles.tell(posts, originals?.titles ?? []),
  ]);
}
