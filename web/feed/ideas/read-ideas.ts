import { FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";

/** Something to write, as the function `ideas` proposes it. */
export interface Idea {
  title: string;
  points: string[];
  topic: string | { label: string } | null;
  why: { people_interested: number; posts_lately: number; unanswered: number };
  predicted: { audience: number; views: number; votes: number; comments: number };
  fit: number;
}

/** Ideas for whoever is signed in; null: this project has no function `ideas`. */
export async function readIdeas(supabase: SupabaseClient): Promise<Idea[] | null> {
  const { data, error } = await supabase.functions.invoke("ideas", { body: {} });
  if (error instanceof FunctionsHttpError && error.context.status === 404) return null;
  if (error instanceof FunctionsHttpError) {
    const failure = await error.context.json().catch(() => undefined);
    throw new Error(failure?.error?.message ?? "The recommender does not answer right now.");
  }
  if (error) throw error;
  return data.ideas ?? data.items;
}
