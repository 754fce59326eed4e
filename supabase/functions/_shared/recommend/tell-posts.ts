/** Reads what page selection needs besides scores: topics, groups, conversations, edits and masked titles of the candidates, each only if needed. */
import { tellConversations } from "./conversations.ts";
import { tellEdits } from "./edits.ts";
import { tellGroups } from "./groups.ts";
import type { ContextRow } from "./read-context.ts";
import type { Originals } from "./reposts.ts";
import type { FeedServices } from "./seams.ts";
import type { PostCandidate } from "./states.ts";
import { tellTopics } from "./topics.ts";

/** Throws nothing: what cannot be read posts go without. */
export async function tellPosts(
  services: FeedServices,
  posts: PostCandidate[],
  { settings }: Pick<ContextRow, "settings">,
  originals: Originals | null,
): Promise<void> {
  await Promise.all([
    tellTopics(services.topics, posts, settings),
    tellGroups(services, posts, settings),
    tellConversations(services.conversations, posts),
    tellEdits(services.edits, posts),
    services.titles.tell(posts, originals?.titles ?? []),
  ]);
}
