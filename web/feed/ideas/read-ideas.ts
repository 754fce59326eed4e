import { FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";

/** Something to write, as the function `ideas` proposes it. */
export interface Idea {
  title: string;
  points: string[];
  topic: { label: string } | null;
  /** null: the community has no topics. */
  why: { people_interested: number; posts_lately: number; unanswered: number } | null;
  predicted: { audience: number; views: number; votes: number; comments: number };
  /** How near it is to what its author knows and writes, from -1 to 1; null: nothing is known of them. */
  fit: number | null;
}

export interface Ideas {
  items: Idea[];
  /** What these ideas lack, and why. */
  notes: { code: string; message: string }[];
}

/** Ideas for whoever is signed in; null: this project has no function `ideas`. */
export async function readIdeas(supabase: SupabaseClient): Promise<Ideas | null> {
  const { data, error } = await supabase.functions.invoke("ideas", { body: {} });
  if (error instanceof FunctionsHttpError && error.context.status === 404) return null;
  if (error instanceof FunctionsHttpError) {
    const failure = await error.context.json().catch(() => undefined);
    throw new Error(failure?.error?.message ?? "The recommender does not answer right now.");
  }
  if (error) throw error;
  return data;
}
