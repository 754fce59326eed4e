import { type AuthError, isAuthError, isAuthImplicitGrantRedirectError, type Provider } from "@supabase/supabase-js";
import { go, goFromHere } from "../../shared/hooks.ts";
import type { Project } from "../../shared/project.ts";

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

/** A visit, which the ranker learns from; a visit that fails must not keep any user out. */
async function noteVisit({ recommender }: Project): Promise<void> {
  await recommender.events([{ type: "login" }]).catch(() => undefined);
}

/** Signs in with supabase-js. Throws what Auth answers, in words; so do all below. */
export async function signIn(project: Project, email: string, password: string): Promise<void> {
  const goOn = goFromHere();
  await accepted(project.supabase.auth.signInWithPassword({ email, password }));
  goOn("feed");
  await noteVisit(project);
}

/** Signs up; whether they are signed in already, or have to answer an e-mail first. */
export async function signUp({ supabase }: Project, email: string, password: string): Promise<boolean> {
  const options = { emailRedirectTo: thisPage() };
  const goOn = goFromHere();
  const { data } = await accepted(supabase.auth.signUp({ email, password, options }));
  if (data.session) goOn("feed");
  return data.session !== null;
}

/** Auth's codes for addresses without an account where it takes no new users: the page does not show them. */
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

export async function changePassword({ supabase }: Project, password: string): Promise<void> {
  await accepted(supabase.auth.updateUser({ password }));
}

/** Leaves the page for a provider's, which leads back here. */
export async function signInWith({ supabase }: Project, provider: Provider): Promise<void> {
  await accepted(supabase.auth.signInWithOAuth({ provider, options: { redirectTo: thisPage() } }));
}

/** Auth's own codes in words. None of them says whether an address has an account. */
const said: Record<string, string> = {
  invalid_credentials: "E-mail address and password do not go together.",
  email_not_confirmed: "Follow the link in the e-mail that was sent to you first.",
  user_already_exists: "No account could be made of these. Sign in, or have a link sent to you.",
  email_exists: "No account could be made of these. Sign in, or have a link sent to you.",
  email_address_invalid: "This e-mail address cannot be used here.",
  email_address_not_authorized: "This project sends no e-mails to such addresses yet.",
  validation_failed: "This is not what an e-mail address and a password look like.",
  signup_disabled: "New people cannot sign up here right now.",
  email_provider_disabled: "Nobody can sign in with an e-mail address here.",
  provider_disabled: "Nobody can sign in this way here.",
  over_request_rate_limit: "That was a lot at once. Try again in a few minutes.",
  over_email_send_rate_limit: "That was a lot at once. Try again in a few minutes.",
  same_password: "That is the password you have. Choose another one.",
  reauthentication_needed: "You signed in too long ago for that. Sign out, and have a link sent to you.",
  session_not_found: "You are not signed in any more. Have a link sent to you.",
  captcha_failed: "You could not be told from a machine. Try again.",
};

export const unreachable = "Signing in does not work right now. Try again in a minute.";

/** Whether Auth did not answer, or was in no state to. */
function hasNoAnswer({ status }: AuthError): boolean {
  // 0: the network gave no answer
  return status === 0 || (status ?? 0) >= 500;
}

/** What went wrong with signing in, in one line for its reader. */
function sayAuthError(error: unknown): string {
  if (!isAuthError(error)) return (error as Error).message;
  if (error.name === "AuthSessionMissingError") return said.session_not_found;
  if (hasNoAnswer(error)) return unreachable;
  return said[error.code ?? ""] ?? error.message;
}

// How a page begins that was opened by the link of an e-mail, or on the way back from a provider.

/** What Auth writes into the address, behind # or behind ?: a session, a code for one, or why there is none. */
const answers = ["access_token", "code", "error", "error_code", "error_description"];

/** Lets supabase-js take the session out of the address. Where there is none the way leads to the sign-in, which says why. */
export async function followLink(project: Project): Promise<void> {
  const { hash, search, pathname } = location;
  const parts = [new URLSearchParams(hash.slice(1)), new URLSearchParams(search)];
  if (!answers.some((name) => parts.some((part) => part.has(name)))) return;
  const { auth } = project.supabase;
  auth.onAuthStateChange((event) => event === "PASSWORD_RECOVERY" && go(newPasswordRoute));
  const { error } = await auth.initialize();
  // supabase-js leaves in the address what was no session
  if (error) return history.replaceState(null, "", `${pathname}#people/${codeOf(error)}`);
  const { data } = await auth.getSession();
  if (data.session) noteVisit(project);
}

/** Why a link did not sign in, by Auth's code: an attacker could write any words for people into an address. */
function codeOf(error: AuthError): string {
  // these have the status 500, whatever it was
  if (isAuthImplicitGrantRedirectError(error)) {
    const { code = "", error: kind = "" } = error.details ?? {};
    return named(code === "unspecified_code" ? kind : code);
  }
  return hasNoAnswer(error) ? "unreachable" : named(error.code);
}

const named = (code = "") => (/^[a-z_]+$/.test(code) ? code : "unknown");
