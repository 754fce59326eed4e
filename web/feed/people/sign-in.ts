import type { AuthError, Provider } from "@supabase/supabase-js";
import type { Project } from "../../shared/project.ts";
import { go } from "../../shared/use-route.ts";
import { sayAuthError } from "./say-auth-error.ts";

/** The route at which a new password is set. */
export const newPasswordRoute = "new-password";

/** Where Auth's e-mails and the providers lead back to; one of the project's Redirect URLs. */
const thisPage = () => location.origin + location.pathname;

/** Auth's answer; where it refused, throws why, in words. */
async function accepted<Answer extends { error: AuthError | null }>(answer: Promise<Answer>): Promise<Answer> {
  const { error } = await answer;
  if (error) throw new Error(sayAuthError(error), { cause: error });
  return await answer;
}

/** A visit, which the ranker learns from; one that is not noted must not keep anybody out. */
export async function noteVisit({ recommender }: Project): Promise<void> {
  await recommender.events([{ type: "login" }]).catch(() => undefined);
}

/** Signs in with supabase-js. Throws what Auth answers, in words; so do all below. */
export async function signIn(project: Project, email: string, password: string): Promise<void> {
  await accepted(project.supabase.auth.signInWithPassword({ email, password }));
  go("feed");
  await noteVisit(project);
}

/** Signs up; whether they are signed in already, or have to answer an e-mail first. */
export async function signUp({ supabase }: Project, email: string, password: string): Promise<boolean> {
  const options = { emailRedirectTo: thisPage() };
  const { data } = await accepted(supabase.auth.signUp({ email, password, options }));
  if (data.session) go("feed");
  return data.session !== null;
}

/** What Auth says of addresses without an account where it takes nobody new: nobody is told. */
const ofStrangers = new Set(["otp_disabled", "signup_disabled", "user_not_found"]);

/** Has a link sent that signs its reader in, or up where the project takes new people. */
export async function sendLink({ supabase }: Project, email: string): Promise<void> {
  const options = { emailRedirectTo: thisPage() };
  const { error } = await supabase.auth.signInWithOtp({ email, options });
  if (error && !ofStrangers.has(error.code ?? "")) throw new Error(sayAuthError(error), { cause: error });
}

/** Has a link sent by which its reader sets a new password. */
export async function sendReset({ supabase }: Project, email: string): Promise<void> {
  await accepted(supabase.auth.resetPasswordForEmail(email, { redirectTo: thisPage() }));
}

export async function setPassword({ supabase }: Project, password: string): Promise<void> {
  await accepted(supabase.auth.updateUser({ password }));
}

/** Leaves the page for a provider's, which leads back here. */
export async function signInWith({ supabase }: Project, provider: Provider): Promise<void> {
  await accepted(supabase.auth.signInWithOAuth({ provider, options: { redirectTo: thisPage() } }));
}
