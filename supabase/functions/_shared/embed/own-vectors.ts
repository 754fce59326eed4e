/** The posts' own vectors as a model reads them, brought up to date while their posts are embedded. */

import { type Connection, call, execute, run, type Statement } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { VectorBasis } from "../features/text-vector.ts";
import { type OwnVector, readBasis, reduceVectors, writeReducedVectors } from "./vector-bases.ts";

/** The components [64] of posts that have a vector, by post. */
export type OwnVectors = Map<string, Float32Array>;

/** The bases that were asked for last: one of 1,536 numbers is .4 MB, and does not change. */
const kept = new Map<string, VectorBasis>();
const mostKept = 4;

/** Reads the vectors that the app keeps of some posts now, and stores what the basis makes of them; none where the model reads none. */
export async function ownVectors(connection: Connection, basisId: string | null, posts: string[]): Promise<OwnVectors> {
  if (basisId === null || posts.length === 0) return new Map();
  const basis = kept.get(basisId) ?? (await readBasis(connection, basisId));
  if (!basis) return new Map();
  kept.set(basisId, basis);
  for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
  const given = call("recsys_engine.own_vectors", { p_encoder: basis.encoder, p_posts: posts }) as Statement<OwnVector>;
  const own = reduceVectors(await run(connection, given), basis);
  const gone = posts.filter((post) => !own.has(post));
  if (gone.length > 0) {
    const stored = db.deleteFrom("recsys_engine.reduced_vectors").where("basis_id", "=", basisId);
    await execute(connection, stored.where("post_id", "=", anyOf(gone)));
  }
  if (own.size > 0) await execute(connection, writeReducedVectors(basis, own));
  return own;
}
