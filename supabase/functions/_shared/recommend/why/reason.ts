import type { Source } from "../../features/retrieval.ts";

/**
 * Why a post is shown, told to the person who sees it: from their own history, the post itself and numbers of the whole community,
 * never from what somebody else did.
 *
 * - like_your_history: of all they did, it is most like this post, which they may read
 * - followed_author: they often come to posts of its author
 * - shared_terms: words of its title and tags that are in those of posts they came to
 * - exploration: it is new, and few have seen it
 * - similar: it is near to what is known of them; trending, active, fresh: as the sources
 */
export type Reason =
  | { kind: "like_your_history"; post_id: string; title: string }
  | { kind: "followed_author"; author_id: string }
  | { kind: "shared_terms"; terms: string[] }
  | { kind: "exploration" | "similar" | "trending" | "active" | "fresh" };

/** What the source alone tells. */
export function plainReason(source: Source, authorId: string | null): Reason {
  if (source !== "followed") return { kind: source };
  // the source asks for posts of authors, so there is one
  return authorId === null ? { kind: "active" } : { kind: "followed_author", author_id: authorId };
}
