/** The queue of training requests as a worker sees it: the functions of `…_training_requests.sql`. */
import { hostname } from "node:os";
import type { Database } from "../../db/connect.ts";

/**
 * How long a worker may be silent before another takes its request. The longest that a training on travel-se kept the event
 * loop, and with it the heartbeats, from running was 14 s, on 2 cores at a load of 15 to 18.
 */
export const lease = "5 minutes";

/** A request in this worker's hands. */
export interface Claim {
  request: number;
  claim: number;
  attempt: number;
}

/** What a finished training brought. */
export interface Outcome {
  /** null: nothing was new, so there is no new model. */
  modelId: number | null;
  newInteractions: number;
  seconds: number;
  /** Of the seconds to those of the last training that started anew; null where these are not known. */
  ratio: number | null;
}

/** Takes the request that is due; undefined: there is none, or another worker is on it. */
export async function claimRequest({ pool }: Database): Promise<Claim | undefined> {
  const { rows } = await pool.query(
    "select training_request_id as request, claim, attempts as attempt from recsys.claim_training_request($1, $2)",
    [`${hostname()} ${process.pid}`, lease],
  );
  return rows[0];
}

/** Says that the claim's worker is alive, and what it does. false: the claim is another worker's, or ended. */
export async function heartbeat({ pool }: Database, { claim }: Claim, step: string): Promise<boolean> {
  const { rows } = await pool.query("select recsys.heartbeat_training_request($1, $2, $3) as is_ours", [
    claim,
    lease,
    step,
  ]);
  return rows[0].is_ours;
}

/** Gives the request back: this worker is told to end. */
export async function releaseRequest({ pool }: Database, { claim }: Claim): Promise<void> {
  await pool.query("select recsys.release_training_request($1)", [claim]);
}

/** Records what a request brought. */
export async function completeRequest({ pool }: Database, { claim }: Claim, outcome: Outcome): Promise<void> {
  const { modelId, newInteractions, seconds, ratio } = outcome;
  await pool.query("select recsys.complete_training_request($1, $2, $3, $4, $5)", [
    claim,
    modelId,
    newInteractions,
    seconds,
    ratio,
  ]);
}

/** Gives the request back with the reason; returns when it is due again, null: never. `isFinal`: no further attempt can help. */
export async function failRequest(
  { pool }: Database,
  { claim }: Claim,
  reason: string,
  isFinal: boolean,
): Promise<Date | null> {
  const { rows } = await pool.query("select recsys.fail_training_request($1, $2, $3) as due", [claim, reason, isFinal]);
  return rows[0].due;
}
