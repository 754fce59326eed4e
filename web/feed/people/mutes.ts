import type { SupabaseClient } from "@supabase/supabase-js";
import { rows } from "../../shared/rows.ts";

export interface Mute {
  kind: "person" | "word" | "topic";
  value: string;
}

/** Mutes a person, a word or a topic; a second time changes nothing. */
export async function mute(supabase: SupabaseClient, userId: string, { kind, value }: Mute): Promise<void> {
  const { error } = await supabase.from("mutes").insert({ user_id: userId, kind, value });
  // unique_violation
  if (error && error.code !== "23505") throw error;
}

/** The latest mutes of whoever is signed in: nobody else's can be read. */
export async function readMutes(supabase: SupabaseClient): Promise<Mute[]> {
  return await rows(supabase.from("mutes").select("kind, value").order("created_at", { ascending: false }).limit(100));
}

export async function unmute(supabase: SupabaseClient, userId: string, { kind, value }: Mute): Promise<void> {
  await rows(supabase.from("mutes").delete().eq("user_id", userId).eq("kind", kind).eq("value", value));
}
