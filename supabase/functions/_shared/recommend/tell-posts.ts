/** What a page is made by, besides scores: topics, groups, conversations, edits and masked titles of its candidates, each as far as it is asked for. */
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
