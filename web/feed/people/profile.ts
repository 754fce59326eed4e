import type { SupabaseClient } from "@supabase/supabase-js";
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
