/**
 * What is common to all feeds: the posts that are the last active, the newest and the trending for everybody, kept by the worker. Who
 * may see them is never kept: each feed asks recsys_engine.candidates.
 */
import { asService } from "../database/caller.ts";
import { type Connection, call, type Statement } from "../database/database.ts";
import { commonSources, type Ranks, type Source, sources } from "../features/retrieval.ts";
import { openKnownPosts, type Post, type ToldPosts, toldPosts } from "./known-posts.ts";
import { type Cut, cutOf } from "./shares.ts";
import { openWays } from "./ways.ts";

export interface CommonPosts {
  /** By the engine's clock, in milliseconds. */
  at: number;
  posts: Post[];
  /** Their ids as an array of PostgreSQL's: 20 KB that need not be put together for each feed. */
  ids: string;
  /** What each source has, the best first, as places in `posts`, the shares of authors aside. */
  places: Partial<Record<Source, number[]>>;
  /** What of a source is kept where there may be more; left out: all that there is. */
  cut: Partial<Record<Source, Cut>>;
}

/**
 * Roll-ups end what is kept; a title that was changed in between is used this much later, in
 * milliseconds. What was written meanwhile recsys_engine.candidates brings.
 */
const keptFor = 10_000;
/** Requests that began at the same time have clocks that differ by less. */
const sameMoment = 1_000;

export function openCommonPosts() {
  let kept: { featureStore: number; common: CommonPosts } | undefined;
  return {
    /** What is known of these and of other posts. */
    known: openKnownPosts(),
    /** For whom they do. */
    ways: openWays(),
    /** Those of this recsys_engine.feature_store_version at `now`, the engine's clock in milliseconds; `connection` is in a transaction under `role`. */
    async of(connection: Connection, role: string, featureStore: number, now: number): Promise<CommonPosts> {
      if (kept?.featureStore === featureStore) {
        const age = now - kept.common.at;
        if (age <= keptFor && age > -sameMoment) return kept.common;
      }
      kept = { featureStore, common: await readCommonPosts(connection, role) };
      return kept.common;
    },
  };
}
export type CommonPostsCache = ReturnType<typeof openCommonPosts>;

async function readCommonPosts(connection: Connection, role: string): Promise<CommonPosts> {
  const [{ common_posts: common }] = await asService(connection, role, readCommon);
  const posts = toldPosts(common.posts);
  const places: CommonPosts["places"] = {};
  const cut: CommonPosts["cut"] = {};
  for (const source of commonSources) {
    const placeOf = (i: number) => common.places?.[i][source] ?? 0;
    const placed = [...posts.keys()].filter((i) => placeOf(i) > 0).sort((a, b) => placeOf(a) - placeOf(b));
    places[source] = placed;
    if (placed.length < sources[source].kept) continue;
    cut[source] = cutOf(
      placed.map((i) => posts[i].author_id),
      sources[source].share,
    );
  }
  const ids = `{${posts.map(({ post_id }) => post_id).join()}}`;
  return { at: common.at, posts, ids, places, cut };
}

/** What recsys_engine.common_posts returns; null where there are none. */
interface Common {
  at: number;
  posts: ToldPosts;
  places: Partial<Ranks>[] | null;
}

const readCommon: Statement<{ common_posts: Common }> = call("recsys_engine.common_posts", {});
