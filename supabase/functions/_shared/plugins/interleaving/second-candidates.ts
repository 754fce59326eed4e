/**
 * The candidates of a second model. The posts of the reader's own sources are its own, or it would be judged by what the other model found; what
 * is common to all feeds is the same for both and is not asked for again.
 */

import type { Connection } from "../../database/database.ts";
import type { Identity } from "../../database/run-as-caller.ts";
import { emptyRanks, globalSources, sourceNames, sources } from "../../features/retrieval.ts";
import { noSpan } from "../../http/span.ts";
import type { ContextRow } from "../../recommend/context/read-context.ts";
import type { PostCandidate } from "../../recommend/context/user-state.ts";
import type { PostSnapshot } from "../../recommend/post-cache/snapshot-store.ts";
import type { Page } from "../../recommend/request/cursor.ts";
import { candidateOf } from "../../recommend/sources/build-candidate.ts";
import type { GlobalCandidatesCache } from "../../recommend/sources/global-candidates.ts";
import { retrieve } from "../../recommend/sources/retrieve.ts";
import { startRetrieval } from "../../recommend/sources/start-retrieval.ts";

/** What the second model of `context` ranks; `vector` [32] is the user's in it, `first` the candidates of the first model. Throws ModelDroppedError. */
export async function secondCandidates(
  connection: Connection,
  commonPosts: GlobalCandidatesCache,
  caller: Identity,
  context: ContextRow,
  vector: Float32Array,
  page: Page,
  first: PostCandidate[],
): Promise<PostCandidate[]> {
  const modelId = context.model_id as number;
  // with a filter each model's nearest are part of what all sources choose from
  if (!page.filter) {
    const shared = first.filter(({ ranks }) => globalSources.some((source) => ranks[source] !== null));
    const knownOf = (ids: string[]) =>
      commonPosts.known.of(connection, caller.role, modelId, context.feature_store, ids);
    const [own, known] = await Promise.all([
      retrieve(connection, caller, { modelId, vector, page, common: nothingCommon, known: knownOf }),
      knownOf(shared.map(({ post_id }) => post_id)),
    ]);
    if (own) return merged(shared, known, own.posts, vector);
  }
  // many of its nearest posts are hidden from the user: it is asked as if it were the only one
  return (await startRetrieval(connection, commonPosts, caller, context, page, noSpan)(vector)).posts;
}

/** Asks for nothing that the two models have in common. */
const nothingCommon = { ids: "{}", texts: "{}", at: null, posts: [], places: {}, cut: {} };

/** The candidates as the second model sees them: what the common sources brought, and what is the reader's own. */
function merged(
  shared: PostCandidate[],
  known: PostSnapshot[],
  own: PostCandidate[],
  vector: Float32Array,
): PostCandidate[] {
  const found = new Map(own.map((post) => [post.post_id, post]));
  for (const [i, post] of shared.entries()) {
    const ranks = Object.assign(emptyRanks(), found.get(post.post_id)?.ranks);
    for (const source of sourceNames) if (sources[source].isGlobal) ranks[source] = post.ranks[source];
    found.set(post.post_id, candidateOf(post, known[i], { ...post, ranks }, vector));
  }
  return [...found.values()];
}
