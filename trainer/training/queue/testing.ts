/** For tests of retraining: what happens in a small community after its first training, and what the queue says. */
import assert from "node:assert/strict";
import type pg from "pg";
import type { Database } from "../../../db/connect.ts";
import type { OnProgress } from "../../../db/progress.ts";
import type { Config } from "../config/config.ts";
import { type Claim, claimRequest } from "./training-queue.ts";
import { processTrainingRequest } from "./work-request.ts";

/** The engine's clock goes on. */
export async function passHours(pool: pg.Pool, hours: number): Promise<void> {
  await pool.query("update recsys.settings set clock_shift = clock_shift - $1 * interval '1 hour'", [hours]);
}

/**
 * Votes, each the first interaction of a person with another's post, some minutes ago; as many as there were pairs
 * left, up to `count`.
 */
export async function vote(pool: pg.Pool, count: number, minutesAgo: number): Promise<number> {
  const { rowCount } = await pool.query(
    `insert into public.post_votes (user_id, post_id, created_at)
     select person.user_id, post.post_id, recsys.clock() - $2 * interval '1 minute'
     from recsys.source_users as person cross join recsys.source_posts as post
     where post.author_id <> person.user_id and post.created_at < recsys.clock() - $2 * interval '1 minute'
       and not exists (
         select from recsys.source_interactions as earlier where earlier.user_id = person.user_id and earlier.post_id = post.post_id
       )
     order by md5(person.user_id::text || post.post_id::text) limit $1`,
    [count, minutesAgo],
  );
  await pool.query("select recsys.roll_up()");
  return rowCount ?? 0;
}

/** Files a request and returns its number. */
export async function fileRequest(pool: pg.Pool): Promise<number> {
  return (await pool.query("select recsys.request_training() as request")).rows[0].request;
}

export interface RequestRow {
  status: string;
  attempts: number;
  model_id: number | null;
  new_interactions: number | null;
  seconds: number | null;
  ratio: number | null;
  last_error: string | null;
}

/** What the queue says of a request. */
export async function requestRow(pool: pg.Pool, request: number): Promise<RequestRow> {
  const { rows } = await pool.query(
    `select status, attempts, model_id, new_interactions, seconds, ratio, last_error
     from recsys_engine.training_requests where training_request_id = $1`,
    [request],
  );
  return rows[0];
}

/** The metrics of the active model. */
export async function activeMetrics(pool: pg.Pool): Promise<Record<string, unknown>> {
  return (await pool.query("select metrics from recsys.models where status = 'active'")).rows[0].metrics;
}

export interface Worker {
  database: Database;
  folder: string;
  config: Config;
  /** What it has printed. */
  lines: string[];
}

export interface During {
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** Default: the worker's own way to its database. */
  url?: Database;
}

/** Files a request and works it; the row it leaves. */
export async function work(
  { database, folder, config, lines }: Worker,
  { onProgress = () => {}, signal = new AbortController().signal, url = database }: During = {},
) {
  await fileRequest(database.pool);
  const { request, ...claim } = (await claimRequest(url)) as Claim;
  const print = (line: string) => void lines.push(line);
  const ending = await processTrainingRequest(
    { database: url, onProgress, signal, print },
    { request, ...claim },
    folder,
    config,
  );
  return { ending, request, ...(await requestRow(database.pool, request)) };
}

/** Runs something once, when a step begins, and training goes on when it is done or with the next event it waits for. */
export function once(
  step: string,
  work: () => Promise<unknown>,
): { onProgress: OnProgress; done: () => Promise<unknown> } {
  let running: Promise<unknown> | undefined;
  return {
    onProgress: (progress) => {
      if (progress.step === step) running ??= work();
    },
    done: async () => {
      assert.ok(running, `there was no step ${step}`);
      await running;
    },
  };
}
