/** The queue of training requests as a worker sees it: what of `training/training_requests.sql` takes a request and keeps it. */
import { hostname } from "node:os";
import type { Database } from "../../../db/connect.ts";
import { call, run } from "../../../supabase/functions/_shared/database/database.ts";

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

/** Takes the request that is due; undefined: there is none, or another worker is on it. */
export async function claimRequest({ pool }: Database): Promise<Claim | undefined> {
  const worker = `${hostname()} ${process.pid}`;
  const [taken] = await run(pool, call("recsys_engine.claim_training_request", { p_worker: worker, p_lease: lease }));
  return taken && { request: taken.training_request_id, claim: taken.claim, attempt: taken.attempts };
}

/** Says that the claim's worker is alive, and what it does. false: the claim is another worker's, or ended. */
export async function heartbeat({ pool }: Database, { claim }: Claim, step: string): Promise<boolean> {
  const beat = call("recsys_engine.heartbeat_training_request", { p_claim: claim, p_lease: lease, p_step: step });
  const [{ heartbeat_training_request: isOurs }] = await run(pool, beat);
  return isOurs;
}
