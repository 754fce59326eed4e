/** How vectors that other models made of posts become what the post tower reads: the bases, and what they give. */

import { type Connection, type Query, run } from "../database/database.ts";
import { db, insertRows } from "../database/query.ts";
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

/** A post's vector as the app keeps it. */
export interface OwnVector {
  post_id: string;
  vector: number[];
}

/** The components of vectors, by post; one that says nothing has none. */
export function reduceVectors(rows: OwnVector[], basis: VectorBasis): Map<string, Float32Array> {
  const reduced = new Map<string, Float32Array>();
  for (const { post_id, vector } of rows) {
    const components = reduceVector(vector, basis);
    if (components) reduced.set(post_id, components);
  }
  return reduced;
}

/** Writes the components of some posts. */
export function writeReducedVectors({ id }: VectorBasis, reduced: Map<string, Float32Array>): Query<unknown> {
  const rows = [...reduced];
  const written = insertRows("recsys_engine.reduced_vectors", {
    post_id: ["uuid", rows.map(([post]) => post)],
    basis_id: ["text", rows.map(() => id)],
    components: ["extensions.vector", rows.map(([, components]) => JSON.stringify([...components]))],
  });
  return written.onConflict((row) =>
    row.columns(["post_id", "basis_id"]).doUpdateSet(({ ref }) => ({ components: ref("excluded.components") })),
  );
}
