/** Before a training: the own vectors of posts and users, reduced to what the towers read of them. Only what is missing is read, so an interrupted run goes on. */
import { sql } from "kysely";
import type pg from "pg";
import type { OnProgress } from "../../../db/progress.ts";
import { UserError } from "../../../db/user-error.ts";
import { call, execute, run, type Statement } from "../../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../../supabase/functions/_shared/database/query.ts";
import {
  type Entity,
  type OwnVector,
  readBasis,
  reducedVectors,
  reduceVectors,
  writeReducedVectors,
} from "../../../supabase/functions/_shared/embed/vector-bases.ts";
import type { VectorSpec } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import type { VectorBasis } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { isReplica, leastVectors, vectorBasis } from "./vector-basis.ts";

/** 1,536 numbers of each are 6 MB of text. */
const page = 500;

/** What a training knows of an app's own vectors: their basis, the share of posts that have one, and how many users have, where the user tower reads theirs. */
export interface PreparedVectors {
  basis: VectorBasis;
  share: number;
  users?: number | undefined;
}

/** What a model says of the vectors that it reads. */
export function vectorSpecOf({ basis, users }: Pick<PreparedVectors, "basis" | "users">): VectorSpec {
  const { id, encoder, dimension } = basis;
  return { basis: id, encoder, dimension, ...(users !== undefined && { users: true }) };
}

/** Reduces every vector that was not yet; undefined: the app has too few of any encoder. */
export async function prepareVectors(
  pool: pg.Pool,
  onProgress: OnProgress,
  { until, signal }: { until?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<PreparedVectors | undefined> {
  const client = await pool.connect();
  try {
    const basis = await vectorBasis(client, until);
    if (!basis) return undefined;
    const { users, ...prepared } = await prepare(client, basis, onProgress, signal);
    return users >= leastVectors ? { ...prepared, users } : prepared;
  } finally {
    client.release();
  }
}

/** The same by the basis of a model that was trained already (null: it reads no vectors). Throws a `UserError` where that is gone. */
export async function preparedVectors(
  pool: pg.Pool,
  spec: VectorSpec | null,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<PreparedVectors | undefined> {
  if (!spec) return undefined;
  const client = await pool.connect();
  try {
    const basis = await readBasis(client, spec.basis);
    if (!basis)
      throw new UserError(
        `the basis of the vectors by ${spec.encoder} is not in this database any more: export and train again`,
      );
    const { users, ...prepared } = await prepare(client, basis, onProgress, signal);
    return spec.users ? { ...prepared, users } : prepared;
  } finally {
    client.release();
  }
}

async function prepare(
  client: pg.PoolClient,
  basis: VectorBasis,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<PreparedVectors & { users: number }> {
  // from now on it is kept as long as an unpublished model
  const used = db.updateTable("recsys_engine.vector_bases").set({ used_at: sql<Date>`now()` });
  if (!(await isReplica(client))) await execute(client, used.where("basis_id", "=", basis.id));
  const [{ posts }] = await run(client, db.selectFrom("recsys.source_posts").select(countOf().as("posts")));
  const reduce = (entity: Entity, total: number) =>
    reduceMissing(client, entity, basis, (done) => {
      signal?.throwIfAborted();
      if (done + total > 0) onProgress({ step: `reading vectors of ${entity}s`, done, total: Math.max(done, total) });
    });
  const done = await reduce("post", posts);
  return { basis, share: posts === 0 ? 0 : Math.min(1, done / posts), users: await reduce("user", 0) };
}

/** Reduces the vectors of a basis's encoder that were not yet; resolves to how many posts, or users, have one now. On a replica they wait for the primary. */
export async function reduceMissing(
  client: pg.ClientBase,
  entity: Entity,
  basis: VectorBasis,
  onPage: (done: number) => void,
): Promise<number> {
  const kept = reducedVectors(entity, basis.id).clearSelect();
  let [{ done }] = await run(client, kept.select(countOf().as("done")));
  if (await isReplica(client)) return done;
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await run(client, missingAfter(entity, basis, after));
    const reduced = reduceVectors(rows, basis);
    if (reduced.size > 0) await run(client, writeReducedVectors(entity, basis, reduced));
    done += reduced.size;
    onPage(done);
    if (rows.length < page) return done;
    after = rows[rows.length - 1].id;
  }
}

function missingAfter(entity: Entity, { id }: VectorBasis, after: string) {
  const args = { p_entity: entity, p_basis: id, p_after: after, p_limit: page };
  return call("recsys_engine.missing_vectors", args) as Statement<OwnVector>;
}
