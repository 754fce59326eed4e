/** What is common, as recsys_engine.global_candidates brings it. */

import { type Connection, call, type Statement } from "../../database/database.ts";
import { queryAsService } from "../../database/run-as-caller.ts";
import { globalSources, type Ranks, type Source, sources } from "../../features/retrieval.ts";
import { type Post, type PostColumnArrays, postsFromColumns } from "../post-cache/post-cache.ts";
import { type SourceTruncation, truncationOf } from "./author-cap.ts";

export interface GlobalCandidates {
  /** By the engine's clock, in milliseconds. */
  at: number;
  posts: Post[];
  /** Their ids as an array of PostgreSQL's: 20 KB that need not be put together for each feed. */
  ids: string;
  /** Their recsys_engine.text_key, as the service reads them, in the same form. */
  texts: string;
  /** What each source has, the best first, as places in `posts`, the shares of authors aside. */
  places: Partial<Record<Source, number[]>>;
  /** What of a source is kept where there may be more; left out: all that there is. */
  cut: Partial<Record<Source, SourceTruncation>>;
}

/** None, so that what was written since that time is asked for, in milliseconds. */
export const noGlobalCandidates = (at: number): GlobalCandidates => ({
  at,
  posts: [],
  ids: "{}",
  texts: "{}",
  places: {},
  cut: {},
});

/** With `connection` in a transaction under `role`. */
export async function readGlobalCandidates(connection: Connection, role: string): Promise<GlobalCandidates> {
  const read: Statement<{ global_candidates: Common }> = call("recsys_engine.global_candidates", {});
  const [{ global_candidates: common }] = await queryAsService(connection, role, read);
  const posts = postsFromColumns(common.posts);
  const places: GlobalCandidates["places"] = {};
  const cut: GlobalCandidates["cut"] = {};
  const closedAuthors = new Set(common.closed_authors);
  for (const source of globalSources) {
    const placeOf = (i: number) => common.places?.[i][source] ?? 0;
    const placed = [...posts.keys()].filter((i) => placeOf(i) > 0).sort((a, b) => placeOf(a) - placeOf(b));
    places[source] = placed;
    if (placed.length < sources[source].fetchLimit) continue;
    const { authors, beyondTo } = truncationOf(
      placed.map((i) => posts[i].author_id),
      sources[source].maxPerAuthor,
    );
    cut[source] = {
      authors: authors.filter((author) => !closedAuthors.has(author)),
      closed: authors.filter((author) => closedAuthors.has(author)),
      beyondTo,
    };
  }
  const ids = `{${posts.map(({ post_id }) => post_id).join()}}`;
  return { at: common.at, posts, ids, texts: `{${common.texts.join()}}`, places, cut };
}

/** What recsys_engine.global_candidates returns; null where there are none. */
interface Common {
  at: number;
  posts: PostColumnArrays;
  texts: number[];
  places: Partial<Ranks>[] | null;
  /** Authors none of whose `posts` a stranger may read. */
  closed_authors: string[];
}
