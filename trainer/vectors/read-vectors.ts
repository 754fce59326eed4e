/** The posts' own vectors in the numbers of a community. */
import type { Database } from "../../db/connect.ts";
import { reading } from "../../db/reading.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { parseVector } from "../../supabase/functions/_shared/database/vectors.ts";
import { vectorWidth } from "../../supabase/functions/_shared/features/text-vector.ts";
import { type Community, withoutVectors } from "../community/community.ts";
import { rows } from "../community/cursor.ts";

/** The community with what was reduced by a basis; undefined: as if no post had a vector. */
export async function withVectors(
  database: Database,
  community: Community,
  basis: string | undefined,
): Promise<Community> {
  if (basis === undefined) return withoutVectors(community);
  const { posts } = community;
  const query = db.selectFrom("recsys_engine.reduced_vectors").select(["post_id", "components"]);
  // one block of memory: a small array takes half as much again
  const all = new Float32Array(posts.ids.length * vectorWidth);
  const numbers = new Map(posts.ids.map((id, i) => [id, i]));
  const vectors: (Float32Array | null)[] = posts.ids.map(() => null);
  await reading(database, async (client) => {
    for await (const { post_id, components } of rows(client, query.where("basis_id", "=", basis))) {
      const post = numbers.get(post_id);
      if (post === undefined) continue;
      const own = all.subarray(post * vectorWidth, (post + 1) * vectorWidth);
      own.set(parseVector(components));
      vectors[post] = own;
    }
  });
  return { ...community, posts: { ...posts, vectors } };
}
