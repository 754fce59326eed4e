/** The neighbours of posts in the database: written with a model, and read into memory. */
import { sql } from "kysely";
import { type Connection, run } from "../../../supabase/functions/_shared/database/database.ts";
import { db, insertRows } from "../../../supabase/functions/_shared/database/query.ts";
import type { Community } from "../../data/replay/community.ts";
import { type IdNeighbours, type Neighbours, numberedNeighbours } from "../../data/replay/neighbours.ts";

/** Posts whose neighbours are written at once. */
const page = 1000;

/** Writes recsys_engine.post_neighbours_N, without posts that are not there any more. */
export async function writeNeighbours(
  client: Pick<Connection, "query">,
  modelId: number,
  neighbours: IdNeighbours,
  isThere: (post: string) => boolean,
): Promise<void> {
  const posts = [...neighbours.keys()].filter(isThere);
  for (let start = 0; start < posts.length; start += page) {
    const found = posts
      .slice(start, start + page)
      .flatMap((post) => (neighbours.get(post) ?? []).map(([other, weight]) => ({ post, other, weight })))
      .filter(({ other }) => isThere(other));
    // a table of the model's own until it is complete
    const written = insertRows(`recsys_engine.post_neighbours_${modelId}` as "recsys_engine.post_neighbours", {
      model_id: ["bigint", found.map(() => modelId)],
      post_id: ["uuid", found.map(({ post }) => post)],
      neighbour_id: ["uuid", found.map(({ other }) => other)],
      weight: ["integer", found.map(({ weight }) => weight)],
    });
    await run(client, written);
  }
}

/** Those of a published model; undefined: it has none. */
export async function readNeighbours(
  client: Pick<Connection, "query">,
  modelId: number,
  community: Community,
): Promise<Neighbours | undefined> {
  const stored = db
    .selectFrom("recsys_engine.post_neighbours")
    .where("model_id", "=", modelId)
    .groupBy("post_id")
    .select((post) => [
      "post_id",
      sql<string[]>`array_agg(${post.ref("neighbour_id")} order by ${post.ref("neighbour_id")})`.as("neighbours"),
      sql<number[]>`array_agg(${post.ref("weight")} order by ${post.ref("neighbour_id")})`.as("weights"),
    ]);
  const rows = await run(client, stored);
  const byId: IdNeighbours = new Map(
    rows.map(({ post_id, neighbours, weights }) => [post_id, neighbours.map((each, i) => [each, weights[i]])]),
  );
  return numberedNeighbours(byId, community);
}
