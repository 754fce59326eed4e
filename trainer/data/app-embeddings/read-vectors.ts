/** The own vectors of posts and users in the numbers of a community. */
import type { Database } from "../../../db/connect.ts";
import { rows } from "../../../db/cursor.ts";
import { reading } from "../../../db/reading.ts";
import { parseVector } from "../../../supabase/functions/_shared/database/vectors.ts";
import { type Entity, reducedVectors } from "../../../supabase/functions/_shared/embed/vector-bases.ts";
import type { VectorSpec } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { vectorWidth } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { type Community, withoutVectors } from "../replay/community.ts";

/** What of a model's vectors says which it reads of a community; undefined: none. */
export type VectorsOf = Pick<VectorSpec, "basis" | "users"> | null | undefined;

/**
 * The community with vectors reduced by a basis, of posts and, where the model reads theirs, of users; without a
 * basis, without vectors.
 */
export async function withVectors(database: Database, community: Community, spec: VectorsOf): Promise<Community> {
  const without = withoutVectors(community);
  if (!spec) return without;
  const { posts, users } = without;
  return {
    ...without,
    posts: { ...posts, vectors: await readVectors(database, "post", spec.basis, posts.ids) },
    users: spec.users ? { ...users, vectors: await readVectors(database, "user", spec.basis, users.ids) } : users,
  };
}

/** The components [64] of those of some posts or users that have a vector, null of the others. */
export async function readVectors(
  database: Database,
  entity: Entity,
  basis: string,
  ids: string[],
): Promise<(Float32Array | null)[]> {
  // one block of memory: a small array takes half as much again
  const all = new Float32Array(ids.length * vectorWidth);
  const numbers = new Map(ids.map((id, i) => [id, i]));
  const vectors: (Float32Array | null)[] = ids.map(() => null);
  await reading(database, async (client) => {
    for await (const { id, components } of rows(client, reducedVectors(entity, basis))) {
      const number = numbers.get(id);
      if (number === undefined) continue;
      const own = all.subarray(number * vectorWidth, (number + 1) * vectorWidth);
      own.set(parseVector(components));
      vectors[number] = own;
    }
  });
  return vectors;
}
