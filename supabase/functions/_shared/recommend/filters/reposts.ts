/** Filters reposts of posts that the reader recently dismissed or, on request, saw. */
import type { PostAttributeCache } from "../hydration/post-attribute-cache.ts";
import { createTitleMatcher } from "../selection/duplicates.ts";

/** As recsys_engine.repost_originals. */
export interface RepostOriginals {
  post_ids: string[];
  titles: string[];
}

/** Whether a hydrated post (hydrate-posts.ts) is a repost. */
export type IsRepost = (post: { title: string; is_masked?: boolean; conversation?: string | null }) => boolean;

/** `originals` null: there are none. Where conversations cannot be had titles alone decide. Throws nothing. */
export async function loadRepostFilter(
  conversations: PostAttributeCache<string>,
  originals: RepostOriginals | null,
): Promise<IsRepost> {
  if (!originals) return () => false;
  const known = await conversations.of(originals.post_ids);
  return repostFilter(originals.titles, new Set(known.values()));
}

/** Tells whether a post is a repost, by unmasked titles and by conversations that the app names. */
export function repostFilter(titles: string[], conversations: ReadonlySet<string | null>): IsRepost {
  const hasTitle = createTitleMatcher(titles);
  return ({ title, is_masked, conversation }) =>
    (!is_masked && hasTitle(title)) || (conversation != null && conversations.has(conversation));
}
