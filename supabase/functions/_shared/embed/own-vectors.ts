/** Keeps the reduced own vectors of posts and users up to date while they are embedded. */

import { type Connection, call, execute, run, type Statement } from "../database/database.ts";
import type { VectorBasis } from "../features/text-vector.ts";
import {
  type Entity,
  forgetReducedVectors,
  type OwnVector,
  readBasis,
  reduceVectors,
  writeReducedVectors,
} from "./vector-bases.ts";

/** Components [64] of the posts or users with a vector, by id. */
export type OwnVectors = Map<string, Float32Array>;

/** Cache of recently used bases, which never change; one for vectors of 1,536 elements has 0.4 MB. */
const kept = new Map<string, VectorBasis>();
const mostKept = 4;

/**
 * Reads the app's current vectors of posts or users, stores their components under the basis, and deletes those of
 * missing vectors. Empty if the model reads none.
 */
export async function ownVectors(
  connection: Connection,
  entity: Entity,
  basisId: string | null,
  ids: string[],
): Promise<OwnVectors> {
  if (basisId === null || ids.length === 0) return new Map();
  const basis = kept.get(basisId) ?? (await readBasis(connection, basisId));
  if (!basis) return new Map();
  kept.set(basisId, basis);
  for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
  const given = { p_entity: entity, p_encoder: basis.encoder, p_ids: ids };
  const own = reduceVectors(
    await run(connection, call("recsys_engine.own_vectors", given) as Statement<OwnVector>),
    basis,
  );
  const gone = ids.filter((id) => !own.has(id));
  if (gone.length > 0) await execute(connection, forgetReducedVectors(entity, basisId, gone));
  if (own.size > 0) await execute(connection, writeReducedVectors(entity, basis, own));
  return own;
}
