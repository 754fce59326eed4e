/**
 * The candidates of a second model. Its nearest posts are its own, or it would be judged by what the other model found; what is active,
 * fresh, trending or of followed authors is the same for both and is not asked for again.
 */
import { asService, type Identity } from "../../database/caller.ts";
import type { Connection, Statement } from "../../database/database.ts";
import { unpackVectors } from "../../database/vectors.ts";
import { noSpan } from "../../http/span.ts";
import { candidateOf } from "../../recommend/candidate.ts";
import { candidatesOf } from "../../recommend/candidates.ts";
import type { CommonPostsCache } from "../../recommend/common-posts.ts";
import type { Page, Served } from "../../recommend/cursor.ts";
import { knownPosts, ModelGone, type NoPosts, type PostColumns } from "../../recommend/known-posts.ts";
import type { ContextRow } from "../../recommend/read-context.ts";
import type { PostCandidate } from "../../recommend/states.ts";

/** What recsys.retrieve_second returns; null where there is none. */
interface Answer {
  model_gone: boolean;
  /** is_cut: there may be more of them than these. */
  own: { is_cut: boolean } & (NoPosts | Own);
  /** Of the posts of `own`, in their order. */
  states: Omit<PostColumns, keyof Own>;
  listed: { has_embedding: boolean[] | null; embeddings: string | null };
}

interface Own extends Pick<PostColumns, "post_id" | "title" | "tags" | "author_id" | "created_at"> {
  served_key: number[];
  similar_rank: number[];
  author_affinity: number[];
}

/** What the second model of `context` ranks; `vector` [32] is the user's in it, `first` the candidates of the first model. Throws ModelGone. */
export async function secondCandidates(
  connection: Connection,
  commonPosts: CommonPostsCache,
  caller: Identity,
  context: ContextRow,
  vector: Float32Array,
  page: Page,
  first: PostCandidate[],
): Promise<PostCandidate[]> {
  const modelId = context.model_id as string;
  // with a filter each model's nearest are part of what all sources choose from
  if (!page.filter) {
    const version = { modelId, featureStore: context.feature_store };
    const common = await commonPosts.of(connection, caller.role, version, Number(context.now));
    const vectors = new Map(common.posts.map(({ post_id, embedding }) => [post_id, embedding]));
    const lacking = first.filter(({ post_id, ranks }) => isFromElsewhere(ranks) && !vectors.has(post_id));
    const ids = lacking.map(({ post_id }) => post_id);
    const [{ second }] = await asService(connection, caller.role, statement(caller, modelId, vector, ids, page.served));
    if (second.model_gone) throw new ModelGone();
    const listed = unpackVectors(second.listed.embeddings).values();
    for (const [i, id] of ids.entries())
      vectors.set(id, second.listed.has_embedding?.[i] ? (listed.next().value ?? null) : null);
    if (!second.own.is_cut) return merged(first, vectors, second, vector);
  }
  // many of its nearest posts are hidden from the user: it is asked as if it were the only one
  return await candidatesOf(connection, commonPosts, caller, context, vector, page, noSpan);
}

/** Both models' candidates as the second sees them: what only the first model's nearest brought is not among them. */
function merged(
  first: PostCandidate[],
  vectors: Map<string, Float32Array | null>,
  { own, states }: Answer,
  vector: Float32Array,
): PostCandidate[] {
  const found = new Map<string, PostCandidate>();
  for (const post of first) {
    if (!isFromElsewhere(post.ranks)) continue;
    const ranks = { ...post.ranks, similar: null };
    found.set(
      post.post_id,
      candidateOf({ ...post, embedding: vectors.get(post.post_id) ?? null }, { ...post, ranks }, vector),
    );
  }
  if (own.post_id === null) return [...found.values()];
  for (const [i, post] of knownPosts({ ...own, ...states }).entries()) {
    const shared = found.get(post.post_id);
    if (shared) shared.ranks.similar = own.similar_rank[i];
    else {
      const ranks = { similar: own.similar_rank[i], active: null, fresh: null, trending: null, followed: null };
      const [author_affinity, served_key] = [own.author_affinity[i], own.served_key[i]];
      found.set(post.post_id, candidateOf(post, { ranks, author_affinity, served_key }, vector));
    }
  }
  return [...found.values()];
}

/** Whether another source than the nearest to the user's vector brought it. */
function isFromElsewhere({ active, fresh, trending, followed }: PostCandidate["ranks"]): boolean {
  return (active ?? fresh ?? trending ?? followed) !== null;
}

function statement(
  { role, sub }: Identity,
  modelId: string,
  vector: Float32Array,
  listed: string[],
  { seed, keys }: Served,
): Statement<{ second: Answer }> {
  return {
    text: `select recsys.retrieve_second($1::text, $2::uuid, $3::bigint, $4::text::extensions.vector, recsys.clock(),
        $5::uuid[], $6::bigint, $7::bigint[]) as second`,
    values: [role, sub ?? null, modelId, JSON.stringify(Array.from(vector)), listed, String(seed), keys],
  };
}
