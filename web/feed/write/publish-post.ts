import type { SupabaseClient } from "@supabase/supabase-js";

interface NewPost {
  id: string;
  author_id: string;
  title: string;
  description: string;
  tags: string[];
}

/** Stores a post; sent again under its id, because no answer came, it is stored once. */
export async function publishPost(supabase: SupabaseClient, post: NewPost): Promise<void> {
  const { error } = await supabase.from("posts").insert(post);
  // unique_violation
  if (error && error.code !== "23505") throw error;
}
