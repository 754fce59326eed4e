import type { SupabaseClient } from "@supabase/supabase-js";
import type { Member } from "../../../supabase/functions/_local/members.ts";
import { rows } from "../../shared/rows.ts";

/** What somebody says of themselves; the recommender reads it. */
export interface Profile {
  id: string;
  external_id: string | null;
  passions: string[];
  bio: string;
}

/** Somebody's own profile; null: they have none yet. */
export async function readProfile(supabase: SupabaseClient, id: string): Promise<Profile | null> {
  const found: Profile[] = await rows(supabase.from("profiles").select("id, external_id, passions, bio").eq("id", id));
  return found[0] ?? null;
}

/** Writes it, new or changed. Row level security lets people write their own only. */
export async function saveProfile(
  supabase: SupabaseClient,
  before: Profile | null,
  profile: Pick<Profile, "id" | "passions" | "bio">,
): Promise<void> {
  const { id, passions, bio } = profile;
  if (before) await rows(supabase.from("profiles").update({ passions, bio }).eq("id", id));
  else await rows(supabase.from("profiles").insert({ id, passions, bio }));
}

/** Words between commas, each once. */
export function wordsOf(text: string): string[] {
  const words = text.split(",").map((word) => word.trim().slice(0, 100));
  return [...new Set(words.filter(Boolean))].slice(0, 20);
}

/** What of a profile a name is made of. */
export interface Named {
  id: string;
  external_id: string | null;
}

/** The example app has no names: people are known by the id of their import, or by the beginning of their own. */
export function nameOf(person: Named | undefined): string {
  if (!person) return "a member";
  return person.external_id ?? `member ${person.id.slice(0, 4)}`;
}

/** At most 20, who did most first. Only there where config.json says `members`. */
export async function findMembers(search: string): Promise<Member[]> {
  const response = await fetch(`local/members?search=${encodeURIComponent(search)}`);
  const found = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(found?.message ?? "The members cannot be read right now.");
  return found;
}
