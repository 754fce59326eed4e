import type { Member } from "../../../supabase/functions/_local/members.ts";

/** At most 20, who did most first. Only there where config.json says `members`. */
export async function findMembers(search: string): Promise<Member[]> {
  const response = await fetch(`local/members?search=${encodeURIComponent(search)}`);
  const found = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(found?.message ?? "The members cannot be read right now.");
  return found;
}
