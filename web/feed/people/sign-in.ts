import type { Project } from "../../shared/project.ts";
import { go } from "../../shared/use-route.ts";

/** Signs in with supabase-js and notes the visit, which the ranker learns from. Throws what Auth answers. */
export async function signIn({ supabase, recommender }: Project, email: string, password: string): Promise<void> {
  const { error } = await supabase.auth.signInWithPassword({ email, password });
  if (error) throw error;
  go("feed");
  // a visit that is not noted must not keep anybody out
  await recommender.events([{ type: "login" }]).catch(() => undefined);
}

/** Signs up; whether they are signed in already, or have to answer an e-mail first. */
export async function signUp({ supabase }: Project, email: string, password: string): Promise<boolean> {
  const { data, error } = await supabase.auth.signUp({ email, password });
  if (error) throw error;
  if (data.session) go("feed");
  return data.session !== null;
}
