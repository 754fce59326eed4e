/** The pages of a run: claimed one at a time, so that any number of workers share it and a killed one's page is taken by another. */
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import type { Source } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Basis } from "../../supabase/functions/_shared/recommend/basis.ts";
import { milliseconds } from "../community/cursor.ts";

/** One model at one instant, for everyone who was active then. */
export interface BatchRun {
  id: number;
  modelId: string;
  modelName: string;
  /** Milliseconds since 1970, by recsys.clock(). */
  asOf: number;
  /** How many users get a list. */
  users: number;
}

/** Users who get their lists together. */
export interface BatchPage {
  claim: string;
  userIds: string[];
}

/** A row of recsys.batch_recommendations. */
export interface BatchList {
  userId: string;
  basis: Basis;
  postIds: string[];
  scores: Float32Array;
  views: Float32Array;
  votes: Float32Array;
  comments: Float32Array;
  sources: Source[];
  /** null: the model does not predict it. */
  dismissals: Float32Array | null;
  longViews: Float32Array | null;
}

/** How long a page of a fraction of a second is waited for before another worker takes it. */
export const pageLease = "60 seconds";

/** The run to work on: one that others began, or a new one. Throws a `UserError` where no model is active. */
export async function beginRun({ pool }: Database): Promise<BatchRun> {
  // what is committed by now is to be in the lists
  await pool.query("select recsys.roll_up()");
  const begun = await pool.query("select recsys.begin_batch_run() as run");
  if (begun.rows[0].run === null)
    throw new UserError("no model is active: run `npx recsys train` and `npx recsys publish` first");
  const { rows } = await pool.query(
    `select run_id::int as id, model_id::text as "modelId", model_name as "modelName", ${milliseconds("as_of")} as "asOf", users
     from recsys.batch_runs where run_id = $1`,
    [begun.rows[0].run],
  );
  return rows[0];
}

/** The next page of a run; undefined: none is free. */
export async function claimPage({ pool }: Database, run: BatchRun): Promise<BatchPage | undefined> {
  const { rows } = await pool.query(
    `select claim::text, user_ids as "userIds" from recsys.claim_batch_page($1, $2::interval)`,
    [run.id, pageLease],
  );
  return rows[0];
}

/** Writes the lists of a page; false where its lease was over and another worker has it. */
export async function completePage(
  { pool }: Database,
  run: BatchRun,
  { claim }: BatchPage,
  lists: BatchList[],
  failures: { count: number; error: string | null },
): Promise<boolean> {
  const literals = (column: (list: BatchList) => ArrayLike<unknown> | null) =>
    lists.map((list) => {
      const values = column(list);
      return values && `{${Array.prototype.join.call(values)}}`;
    });
  const { rows } = await pool.query(
    `select recsys.complete_batch_page($1, $2, $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
      $10::text[], $11, $12, $13::text[], $14::text[]) as written`,
    [
      run.id,
      claim,
      lists.map(({ userId }) => userId),
      lists.map(({ basis }) => basis),
      literals(({ postIds }) => postIds),
      literals(({ scores }) => scores),
      literals(({ views }) => views),
      literals(({ votes }) => votes),
      literals(({ comments }) => comments),
      literals(({ sources }) => sources),
      failures.count,
      failures.error,
      literals(({ dismissals }) => dismissals),
      literals(({ longViews }) => longViews),
    ],
  );
  return rows[0].written !== null;
}

/** Gives a page back undone, for another worker or a later start. */
export async function releasePage({ pool }: Database, run: BatchRun, { claim }: BatchPage): Promise<void> {
  await pool.query("select recsys.release_batch_page($1, $2)", [run.id, claim]);
}

/** Ends the run where nothing of it is open; the status that it has then. */
export async function finishRun({ pool }: Database, run: BatchRun): Promise<"running" | "finished" | "superseded"> {
  const { rows } = await pool.query("select recsys.finish_batch_run($1) as status", [run.id]);
  return rows[0].status ?? "superseded";
}

/** How far all workers together have come. */
export async function usersDone({ pool }: Database, run: BatchRun): Promise<number> {
  const { rows } = await pool.query(
    "select users_done + users_failed as done from recsys.batch_progress where run_id = $1",
    [run.id],
  );
  return rows[0]?.done ?? 0;
}
