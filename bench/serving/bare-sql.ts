/** The floor of a feed: its retrieval alone, in SQL. */
import type pg from "pg";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { nothingServed } from "../../supabase/functions/_shared/recommend/cursor.ts";
import { retrieve } from "../../supabase/functions/_shared/recommend/retrieve.ts";
import { vectorAt } from "../../trainer/engine/vector-at.ts";
import type { ServedCommunity } from "./community.ts";

/**
 * recsys.candidates for the number-th of some people, as the caller, with all that the ranker is told of them: what a feed would cost without
 * all around it, and without what a worker keeps.
 */
export async function bareFeed(
  client: pg.PoolClient,
  { users, modelId, vectors }: ServedCommunity,
  number: number,
): Promise<{ milliseconds: number; candidates: number }> {
  const user = users[(97 * number) % users.length];
  await client.query("begin read only");
  await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify({ sub: user, role: "authenticated" }),
  ]);
  const vector = vectorAt(vectors, number % (vectors.length / dimensions));
  const begun = performance.now();
  const found = await retrieve(client, user, String(modelId), vector, null, { served: nothingServed() });
  const milliseconds = performance.now() - begun;
  await client.query("commit");
  return { milliseconds, candidates: found.length };
}
