/**
 * What is common to all feeds: the posts that are the last active, the newest and the trending for everybody, kept by the worker. Who
 * may see them is never kept: each feed asks recsys.retrieve_beside.
 */
import { asService } from "../database/caller.ts";
import type { Connection, Statement } from "../database/database.ts";
import { type CommonSource, commonSizes, commonSources } from "../features/retrieval.ts";
import {
  isModelGone,
  type KnownPost,
  knownPosts,
  ModelGone,
  type NoPosts,
  type PostColumns,
  packedPosts,
} from "./known-posts.ts";

export interface CommonPosts {
  /** By the engine's clock, in milliseconds. */
  at: number;
  posts: KnownPost[];
  /** Their ids as an array of PostgreSQL's: 20 KB that need not be put together for each feed. */
  ids: string;
  /** What each source brings, the best first, as places in `posts`. */
  places: Record<CommonSource, number[]>;
  /** Whether a source may have more than these. */
  cut: Record<CommonSource, boolean>;
}

/** Which they are: those of a model's vectors, after so many roll-ups. */
export interface CommonVersion {
  /** null: no model, no vectors. */
  modelId: string | null;
  /** recsys.feature_store_version. */
  featureStore: string;
}

/**
 * Roll-ups end what is kept; a title that was changed, or a vector that was made anew in between, is used this much later, in
 * milliseconds. What was written meanwhile recsys.retrieve_beside brings.
 */
const keptFor = 10_000;
/** Of how many models: one, but for experiments, where each variant may have its own. */
const keptModels = 4;
/** Requests that began at once have clocks that differ by less. */
const sameMoment = 1_000;

export function openCommonPosts() {
  /** By model, the one read last at the end. */
  const cached = new Map<string | null, { featureStore: string; common: CommonPosts }>();
  return {
    /** Those of this version at `now`, the engine's clock in milliseconds; `connection` is in a transaction under `role`. Throws ModelGone. */
    async of(connection: Connection, role: string, version: CommonVersion, now: number): Promise<CommonPosts> {
      const { modelId, featureStore } = version;
      const kept = cached.get(modelId);
      if (kept && kept.featureStore === featureStore) {
        const age = now - kept.common.at;
        if (age <= keptFor && age > -sameMoment) return kept.common;
      }
      const common = await readCommonPosts(connection, role, modelId);
      cached.delete(modelId);
      cached.set(modelId, { featureStore, common });
      for (const oldest of cached.keys()) if (cached.size > keptModels) cached.delete(oldest);
      return common;
    },
  };
}
export type CommonPostsCache = ReturnType<typeof openCommonPosts>;

async function readCommonPosts(connection: Connection, role: string, modelId: string | null): Promise<CommonPosts> {
  const [found] = await asService(connection, role, commonStatement(modelId));
  if (found.model_gone) throw new ModelGone();
  const posts = knownPosts(found);
  const places = {} as CommonPosts["places"];
  const cut = {} as CommonPosts["cut"];
  for (const source of commonSources) {
    const rankOf = (place: number) => (found.post_id === null ? 0 : (found[`${source}_rank`][place] ?? 0));
    places[source] = [...posts.keys()].filter((place) => rankOf(place) > 0).sort((a, b) => rankOf(a) - rankOf(b));
    cut[source] = places[source].length >= commonSizes[source];
  }
  return { at: found.at, posts, ids: `{${posts.map(({ post_id }) => post_id).join()}}`, places, cut };
}

type Columns = { at: number; model_gone: boolean } & (
  | NoPosts
  | (PostColumns & Record<`${CommonSource}_rank`, (number | null)[]>)
);

function commonStatement(modelId: string | null): Statement<Columns> {
  return {
    text: `with common as materialized (
        select * from recsys.common_posts(recsys.clock())
      ),
      found as (
        select common.*, states.embedding, states.last_active_at, states.kind, states.views, states.votes, states.comments, states.participants,
          states.last_comment_at, states.by_author, states.recent
        from common
        join recsys.post_states($1::bigint, (select array_agg(post_id) from common), recsys.clock()) as states on states.post_id = common.post_id
      )
      select
        1000 * date_part('epoch', recsys.clock()) as at,
        ${isModelGone("$1")} as model_gone,
        json_agg(found.active_rank) as active_rank,
        json_agg(found.fresh_rank) as fresh_rank,
        json_agg(found.trending_rank) as trending_rank,
        ${packedPosts("found")}
      from found`,
    values: [modelId],
  };
}
