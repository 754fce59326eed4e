/** The posts that ideas come from, as their reader may see them now. */

import { call, type Pool } from "../_shared/database/database.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import type { Claims } from "../_shared/http/auth.ts";
import type { IdeaPool } from "../_shared/ideas/idea-pool.ts";
import type { IdeasAnswer } from "./api.ts";

type TitledPost = IdeasAnswer["needs"][number]["posts"][number];

/** Gives posts of a pool, by their places in it, without those that the caller may not read, wrote or muted. */
export async function postNamer(
  database: Pool,
  claims: Claims,
  { named }: Pick<IdeaPool, "named">,
  places: number[],
): Promise<(places: number[]) => TitledPost[]> {
  const ids = [...new Set(places.flatMap((place) => named[place] ?? []))];
  const statement = call("recsys_engine.readable_titled_posts", { p_post_ids: ids });
  const posts = ids.length === 0 ? [] : await readAs(database, claims, statement, async (_, rows) => rows);
  const known = new Map(posts.map((post) => [post.post_id, post]));
  return (places) => places.flatMap((place) => known.get(named[place] ?? "") ?? []);
}
