/** The own vectors of posts and users as models read them, brought up to date while these are embedded. */

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

/** The components [64] of posts or users that have a vector, by id. */
export type OwnVectors = Map<string, Float32Array>;

/** The bases that were asked for last: one of 1,536 numbers is .4 MB, and does not change. */
const kept = new Map<string, VectorBasis>();
const mostKept = 4;

/** Reads the vectors that the app keeps of some posts or users now, and stores what the basis makes of them; none where the model reads none. */
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
