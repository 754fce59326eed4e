/** The candidates of a feed as recsys.retrieve brings them: with a filter, as of any instant, and where what is common to all does not do. */
import { type Connection, run, type Statement } from "../database/database.ts";
import type { Source } from "../features/retrieval.ts";
import { candidateOf } from "./candidate.ts";
import type { Page } from "./cursor.ts";
import { isModelGone, knownPosts, ModelGone, type NoPosts, type PostColumns, packedPosts } from "./known-posts.ts";
import type { PostCandidate } from "./states.ts";

/** The columns of recsys.candidates. */
type Columns = { model_gone: boolean } & (NoPosts | CandidateColumns);
type CandidateColumns = PostColumns & { author_affinity: number[]; served_key: number[] } & Record<
    `${Source}_rank`,
    (number | null)[]
  >;

/**
 * The candidates of a user (null: a visitor) as of `instant` in milliseconds (null: recsys.clock()), unordered, without what earlier pages served; `vector`
 * [32] is theirs, null without a model. Throws ModelGone.
 */
export async function retrieve(
  connection: Connection,
  userId: string | null,
  modelId: string | null,
  vector: Float32Array | null,
  instant: number | null,
  page: Pick<Page, "served" | "filter">,
): Promise<PostCandidate[]> {
  const [found] = await run(connection, foundStatement(userId, modelId, vector, instant, page));
  if (found.model_gone) throw new ModelGone();
  if (found.post_id === null) return [];
  const { author_affinity, served_key } = found;
  return knownPosts(found).map((post, i) => {
    const ranks = {
      similar: found.similar_rank[i],
      active: found.active_rank[i],
      fresh: found.fresh_rank[i],
      trending: found.trending_rank[i],
      followed: found.followed_rank[i],
    };
    return candidateOf(post, { ranks, author_affinity: author_affinity[i], served_key: served_key[i] }, vector);
  });
}

function foundStatement(
  userId: string | null,
  modelId: string | null,
  vector: Float32Array | null,
  instant: number | null,
  { served, filter }: Pick<Page, "served" | "filter">,
): Statement<Columns> {
  return {
    text: `select
        ${isModelGone("$2")} as model_gone,
        json_agg(found.author_affinity) as author_affinity,
        json_agg(recsys.served_key(found.post_id, $5::bigint)) as served_key,
        json_agg(found.similar_rank) as similar_rank,
        json_agg(found.active_rank) as active_rank,
        json_agg(found.fresh_rank) as fresh_rank,
        json_agg(found.trending_rank) as trending_rank,
        json_agg(found.followed_rank) as followed_rank,
        ${packedPosts("found")}
      from recsys.candidates($1::uuid, $2::bigint, $3::text::extensions.vector, coalesce(to_timestamp($4::double precision / 1000), recsys.clock()),
        $7::jsonb, $5::bigint, $6::bigint[]) as found`,
    values: [
      userId,
      modelId,
      vector && JSON.stringify(Array.from(vector)),
      instant,
      String(served.seed),
      served.keys,
      filter ? JSON.stringify(filter) : null,
    ],
  };
}
