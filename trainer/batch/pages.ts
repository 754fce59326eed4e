/** The pages of a run: claimed one at a time, so that any number of workers share it and a killed one's page is taken by another. */
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { db, milliseconds } from "../../supabase/functions/_shared/database/query.ts";
import type { OptionalHead } from "../../supabase/functions/_shared/features/kinds.ts";
import type { Source } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Basis } from "../../supabase/functions/_shared/recommend/request/feed-schema.ts";

/** One model at one instant, for everyone who was active then. */
export interface BatchRun {
  id: number;
  modelId: number;
  modelName: string;
  /** Milliseconds since 1970, by recsys.clock(). */
  asOf: number;
  /** How many users get a list. */
  users: number;
}

/** Users who get their lists together. */
export interface BatchPage {
  claim: number;
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
  /** Of each optional head that the model has, the probabilities. */
  optional: Partial<Record<OptionalHead, number[]>>;
}

/** How long a page of a fraction of a second is waited for before another worker takes it. */
export const pageLease = "60 seconds";

/** The run to work on: one that others began, or a new one. Throws a `UserError` where no model is active. */
export async function beginRun({ pool }: Database): Promise<BatchRun> {
  // what is committed by now is to be in the lists
  await run(pool, call("recsys.roll_up", {}));
  const [{ begin_batch_run }] = await run(pool, call("recsys_engine.begin_batch_run", {}));
  if (begin_batch_run === null)
    throw new UserError(
      "no model is active: run `npx --no-install recsys train` and `npx --no-install recsys publish` first",
    );
  const [begun] = await run(
    pool,
    db
      .selectFrom("recsys_engine.batch_runs")
      .select((run) => [
        "run_id as id",
        "model_id as modelId",
        "model_name as modelName",
        "users",
        milliseconds(run.ref("as_of")).as("asOf"),
      ])
      .where("run_id", "=", begin_batch_run),
  );
  return begun;
}

/** The next page of a run; undefined: none is free. */
export async function claimPage({ pool }: Database, { id }: BatchRun): Promise<BatchPage | undefined> {
  const [page] = await run(pool, call("recsys_engine.claim_batch_page", { p_run_id: id, p_lease: pageLease }));
  return page && { claim: page.claim, userIds: page.user_ids };
}

/** Writes the lists of a page; false where its lease was over and another worker has it. */
export async function completePage(
  { pool }: Database,
  { id }: BatchRun,
  { claim }: BatchPage,
  lists: BatchList[],
  failures: { count: number; error: string | null },
): Promise<boolean> {
  const literals = (column: (list: BatchList) => ArrayLike<unknown> | null) =>
    lists.map((list) => {
      const values = column(list);
      return values && `{${Array.prototype.join.call(values)}}`;
    });
  const written = call("recsys_engine.complete_batch_page", {
    p_run_id: id,
    p_claim: claim,
    p_user_ids: lists.map(({ userId }) => userId),
    p_bases: lists.map(({ basis }) => basis),
    p_post_ids: literals(({ postIds }) => postIds),
    p_scores: literals(({ scores }) => scores),
    p_views: literals(({ views }) => views),
    p_votes: literals(({ votes }) => votes),
    p_comments: literals(({ comments }) => comments),
    p_sources: literals(({ sources }) => sources),
    p_failed: failures.count,
    p_error: failures.error,
    p_optional_probabilities: lists.map(({ optional }) =>
      Object.keys(optional).length > 0 ? JSON.stringify(optional) : null,
    ),
  });
  const [{ complete_batch_page }] = await run(pool, written);
  return complete_batch_page !== null;
}

/** Gives a page back undone, for another worker or a later start. */
export async function releasePage({ pool }: Database, { id }: BatchRun, { claim }: BatchPage): Promise<void> {
  await run(pool, call("recsys_engine.release_batch_page", { p_run_id: id, p_claim: claim }));
}

/** Ends the run where nothing of it is open; the status that it has then. */
export async function finishRun({ pool }: Database, { id }: BatchRun): Promise<"running" | "finished" | "superseded"> {
  const [{ finish_batch_run }] = await run(pool, call("recsys_engine.finish_batch_run", { p_run_id: id }));
  return (finish_batch_run as "running" | "finished" | null) ?? "superseded";
}

/** How far all workers together have come. */
export async function usersDone({ pool }: Database, { id }: BatchRun): Promise<number> {
  const done = db
    .selectFrom("recsys_engine.batch_progress")
    .select(({ eb }) => eb("users_done", "+", eb.ref("users_failed")).as("done"));
  const [progress] = await run(pool, done.where("run_id", "=", id));
  return progress?.done ?? 0;
}
