/** How vectors that other models made of posts and users become what the towers read: the bases, and what they give. */

import { type Connection, type Query, run } from "../database/database.ts";
import { anyOf, db, insertRows } from "../database/query.ts";
import { reduceVector, type VectorBasis } from "../features/text-vector.ts";

/** The basis of this id; undefined where it is gone. */
export async function readBasis(connection: Pick<Connection, "query">, id: string): Promise<VectorBasis | undefined> {
  const [found] = await run(connection, bases().where("basis_id", "=", id));
  return found && vectorBasisOf(found);
}

export function bases() {
  return db.selectFrom("recsys_engine.vector_bases").select(["basis_id as id", "encoder", "dimension", "weights"]);
}

/** A row of recsys_engine.vector_bases as a basis. */
export function vectorBasisOf({
  weights,
  ...row
}: Omit<VectorBasis, "weights"> & { weights: Uint8Array }): VectorBasis {
  // a copy, because the bytes need not lie at a multiple of four; all machines that this runs on are little-endian
  return { ...row, weights: new Float32Array(Uint8Array.from(weights).buffer) };
}

/** Of whom vectors are kept, and where their components are. */
export type Entity = "post" | "user";

/** What is kept of vectors, as id and components. */
export function reducedVectors(entity: Entity, basisId: string) {
  const { table, key } = kept[entity];
  const stored = db.selectFrom(table as "recsys_engine.reduced_vectors").where("basis_id", "=", basisId);
  return stored.select([`${key as "post_id"} as id`, "components"]);
}

/** Of some of them nothing is kept any more. */
export function forgetReducedVectors(entity: Entity, basisId: string, ids: string[]) {
  const { table, key } = kept[entity];
  const stored = db.deleteFrom(table as "recsys_engine.reduced_vectors").where("basis_id", "=", basisId);
  return stored.where(key as "post_id", "=", anyOf(ids));
}

const kept = {
  post: { table: "recsys_engine.reduced_vectors", key: "post_id" },
  user: { table: "recsys_engine.reduced_user_vectors", key: "user_id" },
} as const;

/** A post's or user's vector as the app keeps it. */
export interface OwnVector {
  id: string;
  vector: number[];
}

/** The components of vectors, by id; one that says nothing has none. */
export function reduceVectors(rows: OwnVector[], basis: VectorBasis): Map<string, Float32Array> {
  const reduced = new Map<string, Float32Array>();
  for (const { id, vector } of rows) {
    const components = reduceVector(vector, basis);
    if (components) reduced.set(id, components);
  }
  return reduced;
}

/** Writes the components of some posts or users. */
export function writeReducedVectors(
  entity: Entity,
  { id }: VectorBasis,
  reduced: Map<string, Float32Array>,
): Query<unknown> {
  const rows = [...reduced];
  const { table, key } = kept[entity];
  const written = insertRows(table as "recsys_engine.reduced_vectors", {
    [key as "post_id"]: ["uuid", rows.map(([of]) => of)],
    basis_id: ["text", rows.map(() => id)],
    components: ["extensions.vector", rows.map(([, components]) => JSON.stringify([...components]))],
  });
  return written.onConflict((row) =>
    row.columns([key as "post_id", "basis_id"]).doUpdateSet(({ ref }) => ({ components: ref("excluded.components") })),
  );
}
