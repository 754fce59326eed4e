/** The queue of training requests as a worker sees it: the functions of `…_training_requests.sql`. */
import { hostname } from "node:os";
import type { Database } from "../../db/connect.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";

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
  /** Of the seconds to those of the last training that started from scratch; null where these are not known. */
  ratio: number | null;
}

/** Takes the request that is due; undefined: there is none, or another worker is on it. */
export async function claimRequest({ pool }: Database): Promise<Claim | undefined> {
  const worker = `${hostname()} ${process.pid}`;
  const [taken] = await run(pool, call("recsys.claim_training_request", { p_worker: worker, p_lease: lease }));
  return taken && { request: taken.training_request_id, claim: taken.claim, attempt: taken.attempts };
}

/** Says that the claim's worker is alive, and what it does. false: the claim is another worker's, or ended. */
export async function heartbeat({ pool }: Database, { claim }: Claim, step: string): Promise<boolean> {
  const beat = call("recsys.heartbeat_training_request", { p_claim: claim, p_lease: lease, p_step: step });
  const [{ heartbeat_training_request: isOurs }] = await run(pool, beat);
  return isOurs;
}

/** Gives the request back: this worker is told to end. */
export async function releaseRequest({ pool }: Database, { claim }: Claim): Promise<void> {
  await run(pool, call("recsys.release_training_request", { p_claim: claim }));
}

/** Records what a request brought. */
export async function completeRequest({ pool }: Database, { claim }: Claim, outcome: Outcome): Promise<void> {
  const { modelId, newInteractions, seconds, ratio } = outcome;
  const completed = call("recsys.complete_training_request", {
    p_claim: claim,
    p_model_id: modelId,
    p_new_interactions: newInteractions,
    p_seconds: seconds,
    p_ratio: ratio,
  });
  await run(pool, completed);
}

/** Gives the request back with the reason; returns when it is due again, null: never. `isFinal`: no further attempt can help. */
export async function failRequest(
  { pool }: Database,
  { claim }: Claim,
  reason: string,
  isFinal: boolean,
): Promise<Date | null> {
  const failed = call("recsys.fail_training_request", { p_claim: claim, p_error: reason, p_is_final: isFinal });
  const [{ fail_training_request: due }] = await run(pool, failed);
  return due;
}
