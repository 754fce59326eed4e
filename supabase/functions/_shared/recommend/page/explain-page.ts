/** The stage that says why each post of a page is there: the most telling of the reasons that hold. */

import type { Text } from "../../features/documents.ts";
import { dimensions } from "../../features/history.ts";
import { innerProduct } from "../../features/inner-product.ts";
import { type Source, sourceNames, sources } from "../../features/retrieval.ts";
import { sharedTerms } from "../../features/text-match.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { Reason } from "../request/feed-schema.ts";
import type { ScoredPost } from "../scoring/score.ts";
import type { SelectedPost } from "../selection/select-page.ts";

/**
 * The share of posts that similarity may explain, since the ranker uses other features more: on travel-se half of all
 * candidates have a cosine of 0.72 or more with a post of the history. 14 % of the posts on a page are within this share.
 */
const closeShare = 0.1;

/**
 * The reason of each selected post; `candidates` are all of the request, `vectors` [32] those of `context.history_posts`. Where no model ranked, nothing that the user did has brought
 * a post, but for its author.
 */
export function explainPage(
  selected: SelectedPost<ScoredPost>[],
  candidates: Text[],
  context: ContextRow,
  vectors: ArrayLike<number>[],
): Reason[] {
  const history = namedHistory(context, vectors);
  const isClose = (rank: number | null) => rank !== null && rank <= Math.max(1, closeShare * candidates.length);
  const terms = sharedTerms(
    context.recent_interactions ?? [],
    candidates,
    selected.map(({ chosen }) => chosen.post),
  );
  return selected.map(({ chosen, explored }, i) => {
    const { post } = chosen;
    if (explored) return { kind: "exploration" };
    if (post.follows_author) return reasonOfSource("followed", post.author_id, true);
    if (post.followed_topic !== null) return { kind: "follows_topic", topic: post.followed_topic };
    const nearest = isClose(chosen.rankBy("log_history_rank")) && nearestInHistory(history, post.embedding);
    if (nearest) return { kind: "like_your_history", post_id: nearest.post_id, title: nearest.title };
    if (post.ranks.followed !== null) return reasonOfSource("followed", post.author_id);
    if (isClose(chosen.rankBy("log_text_match_rank")) && terms[i].length > 0)
      return { kind: "shared_terms", terms: terms[i] };
    const source = primarySource(post.ranks);
    return source === "touched" ? { kind: source, people: post.touchers } : reasonOfSource(source, post.author_id);
  });
}

/** The posts of the history that have a vector, and whose title the caller may read: recent_interactions was read under their role. */
function namedHistory({ history_posts, recent_interactions }: ContextRow, vectors: ArrayLike<number>[]): NamedPost[] {
  const titles = new Map((recent_interactions ?? []).map(({ post_id, title }) => [post_id, title]));
  return history_posts.flatMap((post_id, i) => {
    const title = titles.get(post_id);
    return title === undefined ? [] : [{ post_id, title, embedding: vectors[i] }];
  });
}

/** A post of the user's own history that they may read, as the request found it. */
export interface NamedPost {
  post_id: string;
  title: string;
  /** The post tower's vector [32], of unit length. */
  embedding: ArrayLike<number>;
}

/** The post of the history whose vector is nearest, of equals the latest; undefined: none points in the same direction at all. */
export function nearestInHistory(history: NamedPost[], embedding: ArrayLike<number> | null): NamedPost | undefined {
  if (embedding === null) return undefined;
  let nearest: NamedPost | undefined;
  let highest = 0;
  for (const post of history) {
    const cosine = innerProduct(post.embedding, 0, embedding, 0, dimensions);
    if (cosine > highest) [nearest, highest] = [post, cosine];
  }
  return nearest;
}

/** Why a candidate is shown: the source that ranks it best; of equals the more telling one. */
export function primarySource(ranks: Record<Source, number | null>): Source {
  return sourceNames.reduce((best, source) => {
    const [rank, least] = [ranks[source] ?? Infinity, ranks[best] ?? Infinity];
    if (rank !== least) return rank < least ? source : best;
    return sources[source].reasonPriority < sources[best].reasonPriority ? source : best;
  });
}

/** What the source alone tells, and that the user follows the author or a topic. */
export function reasonOfSource(
  source: Source,
  authorId: string | null,
  followsAuthor = false,
  topic: string | null = null,
): Reason {
  if (followsAuthor && authorId !== null) return { kind: "follows_author", author_id: authorId };
  if (topic !== null) return { kind: "follows_topic", topic };
  // who they were is known with the candidates alone
  if (source === "touched") return { kind: source, people: [] };
  if (source !== "followed") return { kind: source };
  // the source asks for posts of authors, so there is one
  return authorId === null ? { kind: "active" } : { kind: "followed_author", author_id: authorId };
}
