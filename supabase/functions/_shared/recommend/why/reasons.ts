/** The stage that says why each post of a page is there: the most telling of the reasons that hold. */
import { sharedTerms, type Text } from "../../features/text-match.ts";
import type { ContextRow } from "../read-context.ts";
import type { ScoredPost } from "../scores.ts";
import type { Selected } from "../select/select.ts";
import { bestSource } from "../source.ts";
import { parseVectors } from "../vectors.ts";
import { type NamedPost, nearestInHistory } from "./nearest-in-history.ts";
import type { Reason } from "./reason.ts";
import { plainReason } from "./reason.ts";

/** Nearer than this, a post is about what a post of the history is about. */
const likeAtLeast = 0.7;

/** The reason of each selected post; `candidates` are all of the request, by which words are known to be rare. */
export function reasons(selected: Selected<ScoredPost>[], candidates: Text[], context: ContextRow): Reason[] {
  const history = namedHistory(context);
  const terms = sharedTerms(
    context.recent_interactions ?? [],
    candidates,
    selected.map(({ chosen }) => chosen.post),
  );
  return selected.map(({ chosen: { post }, explored }, i) => {
    if (explored) return { kind: "exploration" };
    const nearest = nearestInHistory(history, post.embedding);
    if (nearest && nearest.cosine >= likeAtLeast)
      return { kind: "like_your_history", post_id: nearest.post.post_id, title: nearest.post.title };
    if (post.ranks.followed !== null) return plainReason("followed", post.author_id);
    if (terms[i].length > 0) return { kind: "shared_terms", terms: terms[i] };
    return plainReason(bestSource(post.ranks), post.author_id);
  });
}

/** The posts of the history that have a vector, and whose title the caller may read: recent_interactions was read under their role. */
function namedHistory({ history, history_posts, recent_interactions }: ContextRow): NamedPost[] {
  const titles = new Map((recent_interactions ?? []).map(({ post_id, title }) => [post_id, title]));
  const vectors = parseVectors(history);
  return history_posts.flatMap((post_id, i) => {
    const title = titles.get(post_id);
    return title === undefined ? [] : [{ post_id, title, embedding: vectors[i] }];
  });
}
