/** The candidates of a feed: what recsys.retrieve brings, with the states and vectors that the ranker is told. */
import { type Connection, run, type Statement } from "../database/database.ts";
import { dimensions } from "../features/history.ts";
import { innerProduct } from "../features/inner-product.ts";
import type { Source } from "../features/retrieval.ts";
import { noSpan, type Span } from "../http/span.ts";
import type { Page } from "./cursor.ts";
import type { PostState, PostStates, StateVersion } from "./post-states.ts";
import { type PostCandidate, quietPost } from "./states.ts";

/** The columns of recsys.retrieve, packed as those of post-states.ts are. */
type Columns = {
  post_id: string[];
  title: string[];
  tags: string[][];
  author_id: (string | null)[];
  created_at: number[];
  author_affinity: number[];
  served_key: number[];
} & Record<`${Source}_rank`, (number | null)[]>;

/**
 * The candidates of a user (null: a visitor) as of the version's instant, unordered, without what earlier pages served; `vector` [32] is
 * theirs, null without a model.
 */
export async function retrieve(
  connection: Connection,
  postStates: PostStates,
  userId: string | null,
  vector: Float32Array | null,
  version: StateVersion,
  page: Pick<Page, "served" | "filter">,
  span: Span = noSpan,
): Promise<PostCandidate[]> {
  const ofSources = span("sources");
  const [found] = await run(connection, foundStatement(userId, vector, version, page));
  ofSources();
  if (found.post_id === null) return [];
  const ofStates = span("states");
  const states = await postStates.of(connection, version, found.post_id);
  ofStates();
  return found.post_id.map((_, i) => candidate(found, i, states[i], vector));
}

function candidate(found: Columns, i: number, state: PostState, vector: Float32Array | null): PostCandidate {
  const { embedding } = state;
  // the same array from feed to feed
  if (!state.tags || !equal(state.tags, found.tags[i])) state.tags = found.tags[i];
  return {
    post_id: found.post_id[i],
    title: found.title[i],
    tags: state.tags,
    author_id: found.author_id[i],
    created_at: found.created_at[i],
    author_affinity: found.author_affinity[i],
    served_key: found.served_key[i],
    ranks: {
      similar: found.similar_rank[i],
      active: found.active_rank[i],
      fresh: found.fresh_rank[i],
      trending: found.trending_rank[i],
      followed: found.followed_rank[i],
    },
    embedding,
    // in 32 bits, as pgvector has it
    similarity: embedding && vector ? Math.fround(innerProduct(vector, 0, embedding, 0, dimensions)) : 0,
    last_active_at: state.last_active_at,
    last_comment_at: state.last_comment_at,
    kind: state.kind,
    views: state.views ?? quietPost.views,
    votes: state.votes ?? quietPost.votes,
    comments: state.comments ?? quietPost.comments,
    participants: state.participants ?? quietPost.participants,
    by_author: state.by_author ?? quietPost.by_author,
    recent: state.recent ?? quietPost.recent,
  };
}

function equal(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((tag, i) => tag === b[i]);
}

function foundStatement(
  userId: string | null,
  vector: Float32Array | null,
  version: StateVersion,
  { served, filter }: Pick<Page, "served" | "filter">,
): Statement<Columns> {
  return {
    text: `select
        json_agg(found.post_id) as post_id,
        json_agg(found.title) as title,
        json_agg(found.tags) as tags,
        json_agg(found.author_id) as author_id,
        json_agg(1000 * date_part('epoch', found.created_at)) as created_at,
        json_agg(found.author_affinity) as author_affinity,
        json_agg(recsys.served_key(found.post_id, $5::bigint)) as served_key,
        json_agg(found.similar_rank) as similar_rank,
        json_agg(found.active_rank) as active_rank,
        json_agg(found.fresh_rank) as fresh_rank,
        json_agg(found.trending_rank) as trending_rank,
        json_agg(found.followed_rank) as followed_rank
      from recsys.retrieve($1::uuid, $2::bigint, $3::text::extensions.vector, coalesce(to_timestamp($4::double precision / 1000), recsys.clock()),
        $5::bigint, $6::bigint[], $7::jsonb) as found`,
    values: [
      userId,
      version.modelId,
      vector && JSON.stringify(Array.from(vector)),
      version.instant,
      String(served.seed),
      served.keys,
      filter ? JSON.stringify(filter) : null,
    ],
  };
}
