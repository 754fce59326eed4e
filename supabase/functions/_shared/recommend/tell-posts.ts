/** What a page is made by, besides scores: topics, groups, conversations and edits of its candidates, each as far as it is asked for. */
import { tellConversations } from "./conversations.ts";
import { tellEdits } from "./edits.ts";
import type { FeedSettings } from "./feed-settings.ts";
import { tellGroups } from "./groups.ts";
import type { FeedServices } from "./seams.ts";
import type { PostCandidate } from "./states.ts";
import { tellTopics } from "./topics.ts";

/** Throws nothing: what cannot be read posts go without. */
export async function tellPosts(services: FeedServices, posts: PostCandidate[], settings: FeedSettings): Promise<void> {
  await Promise.all([
    tellTopics(services.topics, posts, settings),
    tellGroups(services, posts, settings),
    tellConversations(services.conversations, posts),
    tellEdits(services.edits, posts),
  ]);
}
