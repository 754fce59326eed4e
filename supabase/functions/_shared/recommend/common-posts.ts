/**
 * What is common to all feeds: the posts that are the last active, the newest and the trending for everybody, kept by the worker. Who
 * may see them is never kept: each feed asks recsys.candidates.
 */
import { asService } from "../database/caller.ts";
import { type Connection, call, type Statement } from "../database/database.ts";
import { commonSources, optionsOf, type Ranks, type Source, sources } from "../features/retrieval.ts";
import { openKnownPosts, type Post, type ToldPosts, toldPosts } from "./known-posts.ts";
import { openWays } from "./ways.ts";

export interface CommonPosts {
  /** By the engine's clock, in milliseconds. */
  at: number;
  posts: Post[];
  /** Their ids as an array of PostgreSQL's: 20 KB that need not be put together for each feed. */
  ids: string;
  /** What each source brings, the best first, as places in `posts`. */
  places: Partial<Record<Source, number[]>>;
  /** Whether a source may have more than these. */
  cut: Partial<Record<Source, boolean>>;
  /** Authors of whom as many are kept as are of anybody, twice their share: there may be more. */
  cutAuthors: Partial<Record<Source, Set<string>>>;
}

/**
 * Roll-ups end what is kept; a title that was changed in between is used this much later, in
 * milliseconds. What was written meanwhile recsys.candidates brings.
 */
const keptFor = 10_000;
/** Requests that began at once have clocks that differ by less. */
const sameMoment = 1_000;

export function openCommonPosts() {
  let kept: { featureStore: number; common: CommonPosts } | undefined;
  return {
    /** What is known of these and of other posts. */
    known: openKnownPosts(),
    /** For whom they do. */
    ways: openWays(),
    /** Those of this recsys.feature_store_version at `now`, the engine's clock in milliseconds; `connection` is in a transaction under `role`. */
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
  const cutAuthors: CommonPosts["cutAuthors"] = {};
  for (const source of commonSources) {
    const rankOf = (place: number) => common.ranks?.[place][source] ?? 0;
    const ranked = [...posts.keys()].filter((place) => rankOf(place) > 0).sort((a, b) => rankOf(a) - rankOf(b));
    places[source] = ranked;
    cut[source] = ranked.length >= sources[source].kept;
    const { share = Infinity } = optionsOf[source];
    const byAuthor = Map.groupBy(ranked, (place) => posts[place].author_id);
    const prolific = [...byAuthor].filter(([author, theirs]) => author !== null && theirs.length >= 2 * share);
    cutAuthors[source] = new Set(prolific.map(([author]) => author as string));
  }
  const ids = `{${posts.map(({ post_id }) => post_id).join()}}`;
  return { at: common.at, posts, ids, places, cut, cutAuthors };
}

/** What recsys.common_posts returns; null where there are none. */
interface Common {
  at: number;
  posts: ToldPosts;
  ranks: Partial<Ranks>[] | null;
}

const readCommon: Statement<{ common_posts: Common }> = call("recsys.common_posts", {});
