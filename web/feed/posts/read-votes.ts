import type { SupabaseClient } from "@supabase/supabase-js";
import { rows } from "../../shared/rows.ts";

interface Vote {
  post_id: string;
  /** A rating where the app has one; null: plainly for the post; below 0: against it. */
  value: number | null;
}

/** Which of these posts whoever is signed in voted for: nobody else's votes can be read. */
export async function readVotes(supabase: SupabaseClient, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return votedFor(await rows(supabase.from("post_votes").select("post_id, value").in("post_id", ids)));
}

/** The posts they voted for, the latest first, of the last `limit` votes; and whether these are all votes. */
export async function readLatestVotes(
  supabase: SupabaseClient,
  limit: number,
): Promise<{ ids: string[]; isAll: boolean }> {
  const latest = supabase.from("post_votes").select("post_id, value").order("created_at", { ascending: false });
  const votes: Vote[] = await rows(latest.limit(limit));
  return { ids: votedFor(votes), isAll: votes.length < limit };
}

function votedFor(votes: Vote[]): string[] {
  return [...new Set(votes.filter(({ value }) => value === null || value >= 0).map(({ post_id }) => post_id))];
}
