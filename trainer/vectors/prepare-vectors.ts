/** Before a training: the posts' own vectors, reduced to what the towers read of them. Only what is missing is read, so an interrupted run goes on. */
import { sql } from "kysely";
import type pg from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { call, execute, run, type Statement } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../supabase/functions/_shared/database/query.ts";
import {
  type OwnVector,
  readBasis,
  reduceVectors,
  writeReducedVectors,
} from "../../supabase/functions/_shared/embed/vector-bases.ts";
import type { VectorSpec } from "../../supabase/functions/_shared/features/feature-spec.ts";
import type { VectorBasis } from "../../supabase/functions/_shared/features/text-vector.ts";
import { isReplica, vectorBasis } from "./vector-basis.ts";

/** 1,536 numbers of each are 6 MB of text. */
const page = 500;

/** What a training knows of an app's own vectors: their basis, and the share of posts that have one. */
export interface PreparedVectors {
  basis: VectorBasis;
  share: number;
}

/** What a model says of the vectors that it reads. */
export function vectorSpecOf({ basis: { id, encoder, dimension } }: Pick<PreparedVectors, "basis">): VectorSpec {
  return { basis: id, encoder, dimension };
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
    return basis && (await prepare(client, basis, onProgress, signal));
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
    return await prepare(client, basis, onProgress, signal);
  } finally {
    client.release();
  }
}

async function prepare(
  client: pg.PoolClient,
  basis: VectorBasis,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<PreparedVectors> {
  // from now on it is kept as long as a model that nobody published yet
  const used = db.updateTable("recsys_engine.vector_bases").set({ used_at: sql<Date>`now()` });
  if (!(await isReplica(client))) await execute(client, used.where("basis_id", "=", basis.id));
  const [{ posts }] = await run(client, db.selectFrom("recsys.source_posts").select(countOf().as("posts")));
  const done = await reduceMissing(client, basis, (done) => {
    signal?.throwIfAborted();
    onProgress({ step: "reading vectors", done, total: Math.max(done, posts) });
  });
  return { basis, share: posts === 0 ? 0 : Math.min(1, done / posts) };
}

/** Reduces the vectors of a basis's encoder that were not yet; resolves to how many posts have one now. On a replica they wait for the primary. */
export async function reduceMissing(
  client: pg.ClientBase,
  basis: VectorBasis,
  onPage: (done: number) => void,
): Promise<number> {
  const ofBasis = db.selectFrom("recsys_engine.reduced_vectors").where("basis_id", "=", basis.id);
  let [{ done }] = await run(client, ofBasis.select(countOf().as("done")));
  if (await isReplica(client)) return done;
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await run(client, missingAfter(basis, after));
    const reduced = reduceVectors(rows, basis);
    if (reduced.size > 0) await run(client, writeReducedVectors(basis, reduced));
    done += reduced.size;
    onPage(done);
    if (rows.length < page) return done;
    after = rows[rows.length - 1].post_id;
  }
}

function missingAfter({ id }: VectorBasis, after: string) {
  const args = { p_basis: id, p_after: after, p_limit: page };
  return call("recsys_engine.missing_vectors", args) as Statement<OwnVector>;
}
