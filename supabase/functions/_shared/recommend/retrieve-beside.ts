/** The candidates of a feed from what is common to all feeds: recsys.retrieve_beside says which of it the caller may be shown, and what is their own. */
import { asService, type Identity } from "../database/caller.ts";
import type { Connection, Statement } from "../database/database.ts";
import { commonSources, sources } from "../features/retrieval.ts";
import { candidateOf, type Found } from "./candidate.ts";
import type { CommonPosts } from "./common-posts.ts";
import type { Served } from "./cursor.ts";
import { type KnownPost, knownPosts, ModelGone, type NoPosts, type PostColumns } from "./known-posts.ts";
import type { PostCandidate } from "./states.ts";

/** What recsys.retrieve_beside returns; null where there is none. */
interface Beside {
  model_gone: boolean;
  affinities: Record<string, number> | null;
  common: { place: number[] | null; served_key: number[] | null };
  /** is_cut: there may be more of them than these. */
  own: { is_cut: boolean } & (NoPosts | Own);
  /** Of the posts of `own`, in their order. */
  states: Omit<PostColumns, keyof Own>;
}

interface Own extends Pick<PostColumns, "post_id" | "title" | "tags" | "author_id" | "created_at"> {
  served_key: number[];
  similar_rank: (number | null)[];
  followed_rank: (number | null)[];
  since_rank: (number | null)[];
}

/** A post and what it is to the user, until it is a candidate. */
interface Mine extends Found {
  post: KnownPost;
}

/**
 * What `retrieve` would bring without a filter, as of now; null where it would bring more than is common: too many of those are hidden
 * from the caller, known to them, or served. The caller without `sub` is a visitor; `vector` [32] is theirs, null without a model. Throws ModelGone.
 */
export async function retrieveBeside(
  connection: Connection,
  common: CommonPosts,
  { role, sub }: Identity,
  modelId: string | null,
  vector: Float32Array | null,
  served: Served,
): Promise<PostCandidate[] | null> {
  const asked = besideStatement(common, role, sub ?? null, modelId, vector, served);
  const [{ beside }] = await asService(connection, role, asked);
  if (beside.model_gone) throw new ModelGone();
  if (beside.own.is_cut) return null;
  const affinityOf = (author: string | null) => (author === null ? 0 : (beside.affinities?.[author] ?? 0));
  const found = new Map<string, Mine>();
  const since = ownPosts(beside, affinityOf, found);
  const keys = new Map(beside.common.place?.map((place, i) => [place, beside.common.served_key?.[i] ?? 0]));
  for (const source of commonSources) {
    const { size } = sources[source];
    let rank = 0;
    // what is new is active, too; it is newer than all that was read before
    if (source !== "trending") for (const mine of since) if (rank < size) mine.ranks[source] = ++rank;
    for (const place of common.places[source]) {
      if (rank === size) break;
      const served_key = keys.get(place);
      if (served_key === undefined) continue;
      const post = common.posts[place];
      let mine = found.get(post.post_id);
      if (!mine) {
        mine = { post, ranks: noRanks(), author_affinity: affinityOf(post.author_id), served_key };
        found.set(post.post_id, mine);
      }
      mine.ranks[source] = ++rank;
    }
    if (rank < size && common.cut[source]) return null;
  }
  return Array.from(found.values(), (mine) => candidateOf(mine.post, mine, vector));
}

/** Adds the posts that are the caller's own to `found`; those written since, the newest first. */
function ownPosts(
  { own, states }: Beside,
  affinityOf: (author: string | null) => number,
  found: Map<string, Mine>,
): Mine[] {
  if (own.post_id === null) return [];
  const since: Mine[] = [];
  for (const [i, post] of knownPosts({ ...own, ...states }).entries()) {
    const ranks = { ...noRanks(), similar: own.similar_rank[i], followed: own.followed_rank[i] };
    const mine = { post, ranks, author_affinity: affinityOf(post.author_id), served_key: own.served_key[i] };
    found.set(post.post_id, mine);
    const rank = own.since_rank[i];
    if (rank !== null) since[rank - 1] = mine;
  }
  return since;
}

function noRanks(): Found["ranks"] {
  return { similar: null, active: null, fresh: null, trending: null, followed: null };
}

function besideStatement(
  { ids, at }: CommonPosts,
  role: string,
  userId: string | null,
  modelId: string | null,
  vector: Float32Array | null,
  { seed, keys }: Served,
): Statement<{ beside: Beside }> {
  return {
    text: `select recsys.retrieve_beside($1::text, $2::uuid, $3::bigint, $4::text::extensions.vector, recsys.clock(),
        $5::uuid[], to_timestamp($6::double precision / 1000), $7::bigint, $8::bigint[]) as beside`,
    values: [role, userId, modelId, vector && JSON.stringify(Array.from(vector)), ids, at, String(seed), keys],
  };
}
