/** Reads what page selection needs besides scores: topics, groups, conversations, edits and masked titles of the candidates, each only if needed. */
import { hydrateConversations } from "./conversations.ts";
import { hydrateEditTimes } from "./edits.ts";
import { hydrateGroups } from "./groups.ts";
import type { ContextRow } from "./read-context.ts";
import type { RepostOriginals } from "./reposts.ts";
import type { FeedServices } from "./seams.ts";
import type { PostCandidate } from "./states.ts";
import { hydrateTopics } from "./topics.ts";

/** Throws nothing: what cannot be read posts go without. */
export async function hydratePosts(
  services: FeedServices,
  posts: PostCandidate[],
  { settings }: Pick<ContextRow, "settings">,
  originals: RepostOriginals | null,
): Promise<void> {
  await Promise.all([
    hydrateTopics(services.topics, posts, settings),
    hydrateGroups(services, posts, settings),
    hydrateConversations(services.conversations, posts),
    hydrateEditTimes(services.edits, posts),
    services.titles.tell(posts, originals?.titles ?? []),
  ]);
}
