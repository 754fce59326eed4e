/** "12 new posts": how many were written since a feed was made that its reader might be shown; without ranking any. */
import * as z from "zod";
import type { Pool } from "../../database/database.ts";
import { db, fn, instantOf } from "../../database/query.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import type { FeedFilter } from "./feed-filter.ts";
import { errorTo } from "./reader.ts";

/** Who is told of more would not read them one by one. */
const most = 99;

export const newPosts = z
  .object({
    new_posts: z.int().min(0).max(most).describe("How many."),
    has_more: z.boolean().describe("There are more than that."),
  })
  .meta({ id: "NewPosts", description: "How many posts were written since an instant that the feed might show." });

export type NewPosts = z.infer<typeof newPosts>;

/** Counted under the caller's role, who without `sub` is a visitor; `since` in milliseconds. Throws AppError. */
export async function countNewPosts(
  { pool }: { pool: Pool },
  caller: Identity,
  since: number,
  filter: FeedFilter | undefined,
): Promise<NewPosts> {
  const count = fn("recsys_engine.count_new_posts", {
    p_user_id: caller.sub ?? null,
    p_since: instantOf(since),
    p_filter: filter ? JSON.stringify(filter) : null,
    p_limit: most + 1,
  }).$castTo<number>();
  const statement = db.selectNoFrom(count.as("found"));
  const [{ found }] = await readAs(pool, caller, statement, async (_, rows) => rows, "1s").catch((thrown) => {
    throw errorTo({ caller, interests: [] }, thrown);
  });
  return { new_posts: Math.min(most, found), has_more: found > most };
}
