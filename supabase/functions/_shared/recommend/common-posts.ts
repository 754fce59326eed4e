/**
 * What is common to all feeds: the posts that are the last active, the newest and the trending for everybody, kept by the worker. Who
 * may see them is never kept: each feed asks recsys.candidates.
 */
import { asService } from "../database/caller.ts";
import type { Connection, Statement } from "../database/database.ts";
import { commonSources, type Ranks, type Source, sources } from "../features/retrieval.ts";
import {
  type KnownPost,
  ModelGone,
  type PackedPosts,
  type Post,
  type ToldPosts,
  toldPosts,
  unpackPosts,
} from "./known-posts.ts";

export interface CommonPosts {
  /** By the engine's clock, in milliseconds. */
  at: number;
  posts: Post[];
  known: KnownPost[];
  /** Their ids as an array of PostgreSQL's: 20 KB that need not be put together for each feed. */
  ids: string;
  /** What each source brings, the best first, as places in `posts`. */
  places: Partial<Record<Source, number[]>>;
  /** Whether a source may have more than these. */
  cut: Partial<Record<Source, boolean>>;
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
 * milliseconds. What was written meanwhile recsys.candidates brings.
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
  const [{ common }] = await asService(connection, role, readCommon(modelId));
  if (common.model_gone) throw new ModelGone();
  const posts = toldPosts(common.posts);
  const places: CommonPosts["places"] = {};
  const cut: CommonPosts["cut"] = {};
  for (const source of commonSources) {
    const rankOf = (place: number) => common.ranks?.[place][source] ?? 0;
    const ranked = [...posts.keys()].filter((place) => rankOf(place) > 0).sort((a, b) => rankOf(a) - rankOf(b));
    places[source] = ranked;
    cut[source] = ranked.length >= sources[source].kept;
  }
  const ids = `{${posts.map(({ post_id }) => post_id).join()}}`;
  return { at: common.at, posts, known: unpackPosts(common.known), ids, places, cut };
}

/** What recsys.common_posts returns; null where there are none. */
interface Common {
  at: number;
  model_gone: boolean;
  posts: ToldPosts;
  ranks: Partial<Ranks>[] | null;
  known: PackedPosts;
}

function readCommon(modelId: string | null): Statement<{ common: Common }> {
  return { text: "select recsys.common_posts($1::bigint, recsys.clock()) as common", values: [modelId] };
}
