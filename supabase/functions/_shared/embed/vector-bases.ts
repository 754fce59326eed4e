/** Stored bases, and the reduced vectors of posts and users that the towers read. */

import { type Connection, type Query, run } from "../database/database.ts";
import { anyOf, db, insertRows } from "../database/query.ts";
import { reduceVector, type VectorBasis } from "../features/text-vector.ts";

/** The basis with this id; undefined if it was deleted. */
export async function readBasis(connection: Pick<Connection, "query">, id: string): Promise<VectorBasis | undefined> {
  const [found] = await run(connection, bases().where("basis_id", "=", id));
  return found && vectorBasisOf(found);
}

export function bases() {
  return db.selectFrom("recsys_engine.vector_bases").select(["basis_id as id", "encoder", "dimension", "weights"]);
}

/** Converts a row of recsys_engine.vector_bases. */
export function vectorBasisOf({
  weights,
  ...row
}: Omit<VectorBasis, "weights"> & { weights: Uint8Array }): VectorBasis {
  // a copy, because the bytes may be unaligned; all supported machines are little-endian
  return { ...row, weights: new Float32Array(Uint8Array.from(weights).buffer) };
}

/** Kind of entity with own vectors. */
export type Entity = "post" | "user";

/** Stored reduced vectors, as id and components. */
export function reducedVectors(entity: Entity, basisId: string) {
  const { table, key } = kept[entity];
  const stored = db.selectFrom(table as "recsys_engine.reduced_vectors").where("basis_id", "=", basisId);
  return stored.select([`${key as "post_id"} as id`, "components"]);
}

/** Deletes the reduced vectors of these ids. */
export function forgetReducedVectors(entity: Entity, basisId: string, ids: string[]) {
  const { table, key } = kept[entity];
  const stored = db.deleteFrom(table as "recsys_engine.reduced_vectors").where("basis_id", "=", basisId);
  return stored.where(key as "post_id", "=", anyOf(ids));
}

const kept = {
  post: { table: "recsys_engine.reduced_vectors", key: "post_id" },
  user: { table: "recsys_engine.reduced_user_vectors", key: "user_id" },
} as const;

/** A post's or user's vector as the app stores it. */
export interface OwnVector {
  id: string;
  vector: number[];
}

/** Reduces vectors to components, by id; vectors that give none are left out. */
export function reduceVectors(rows: OwnVector[], basis: VectorBasis): Map<string, Float32Array> {
  const reduced = new Map<string, Float32Array>();
  for (const { id, vector } of rows) {
    const components = reduceVector(vector, basis);
    if (components) reduced.set(id, components);
  }
  return reduced;
}

/** Upserts the components of posts or users. */
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
