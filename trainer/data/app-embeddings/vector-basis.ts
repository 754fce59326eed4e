/** Which basis a training reads vectors by: that of the encoder most posts have, made once of the community's own vectors. */
import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { ClientBase, PoolClient } from "pg";
import { call, run, type Statement } from "../../../supabase/functions/_shared/database/database.ts";
import { db, instantOf } from "../../../supabase/functions/_shared/database/query.ts";
import { bases, type OwnVector, vectorBasisOf } from "../../../supabase/functions/_shared/embed/vector-bases.ts";
import {
  type VectorBasis,
  vectorInputs,
  vectorWidth,
} from "../../../supabase/functions/_shared/features/text-vector.ts";
import { principalComponents } from "../../models/nn/principal-components.ts";

/** Of fewer posts' vectors no basis is made, and of fewer users' none is read: they would say little. */
export const leastVectors = 100;

/** Of so many posts' vectors at most a basis is made: 1,536 numbers of each are 60 MB. */
const mostVectors = 10_000;

/** The basis of the vectors that an app has now, read or made; undefined: there are too few. `until`: made of posts written before that instant (milliseconds). */
export async function vectorBasis(client: PoolClient, until?: number): Promise<VectorBasis | undefined> {
  const shape = await commonShape(client);
  if (!shape) return undefined;
  const known = bases().where("encoder", "=", shape.encoder).where("dimension", "=", shape.dimension);
  const [found] = await run(client, known.orderBy("made_at", "desc").limit(1));
  if (found) return vectorBasisOf(found);
  return (await isReplica(client)) ? undefined : await makeBasis(client, shape, until);
}

/** Whether the database takes no writes, because it follows another. */
export async function isReplica(client: ClientBase): Promise<boolean> {
  const [{ follows }] = await run(client, db.selectNoFrom(sql<boolean>`pg_is_in_recovery()`.as("follows")));
  return follows;
}

type Shape = Pick<VectorBasis, "encoder" | "dimension">;

/** The encoder and length of most vectors. */
async function commonShape(client: PoolClient): Promise<Shape | undefined> {
  const shapes = await run(client, call("recsys_engine.own_vector_shapes", { p_entity: "post" }));
  const [most] = shapes.sort((a, b) => b.entities - a.entities || (a.encoder < b.encoder ? -1 : 1));
  return most && most.entities >= leastVectors ? most : undefined;
}

async function makeBasis(client: PoolClient, shape: Shape, until?: number): Promise<VectorBasis | undefined> {
  const { encoder, dimension } = shape;
  const posts = db.selectFrom("recsys.source_posts").select("post_id");
  const before = until === undefined ? posts : posts.where("created_at", "<", instantOf(until));
  // in an order that says nothing of the posts, and is the same each time
  const drawn = await run(client, before.orderBy(sql`md5(post_id::text)`).limit(mostVectors));
  const given = { p_entity: "post", p_encoder: encoder, p_ids: drawn.map(({ post_id }) => post_id) };
  const own = await run(client, call("recsys_engine.own_vectors", given) as Statement<OwnVector>);
  const ofLength = own.map(({ vector }) => vector).filter(({ length }) => length === dimension);
  if (ofLength.length < leastVectors) return undefined;
  const basis = basisFromVectors(encoder, ofLength);
  const row = { basis_id: basis.id, encoder, dimension, weights: Buffer.from(basis.weights.buffer) };
  await run(
    client,
    db
      .insertInto("recsys_engine.vector_bases")
      .values(row)
      .onConflict((same) => same.doNothing()),
  );
  return basis;
}

/** The basis of vectors of one length; those that say nothing are left out. */
export function basisFromVectors(encoder: string, vectors: number[][]): VectorBasis {
  const rows = vectors.map(unit).filter((vector) => vector !== undefined);
  const dimension = vectors[0].length;
  const values = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries()) values.set(row, i * dimension);
  const { mean, components } = principalComponents(values, dimension, vectorWidth);
  const weights = new Float32Array(dimension * vectorInputs);
  for (let d = 0; d < dimension; d++) {
    weights[d * vectorInputs] = mean[d];
    weights.set(components.subarray(d * vectorWidth, (d + 1) * vectorWidth), d * vectorInputs + 1);
  }
  const digest = createHash("sha256").update(`${encoder}\n`).update(Buffer.from(weights.buffer));
  return { id: digest.digest("hex").slice(0, 16), encoder, dimension, weights };
}

/** undefined: not of finite numbers, or of zeros. */
function unit(vector: number[]): number[] | undefined {
  const length = Math.hypot(...vector);
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : undefined;
}
