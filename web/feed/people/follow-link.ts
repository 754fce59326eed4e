/** How a page begins that was opened by the link of an e-mail, or on the way back from a provider. */
import { type AuthError, isAuthImplicitGrantRedirectError } from "@supabase/supabase-js";
import type { Project } from "../../shared/project.ts";
import { go } from "../../shared/use-route.ts";
import { hasNoAnswer } from "./say-auth-error.ts";
import { newPasswordRoute, noteVisit } from "./sign-in.ts";

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

/** Why a link signed nobody in, in Auth's words for machines; of those for people anybody could write one into an address. */
function codeOf(error: AuthError): string {
  // these have the status 500, whatever it was
  if (isAuthImplicitGrantRedirectError(error)) {
    const { code = "", error: kind = "" } = error.details ?? {};
    return named(code === "unspecified_code" ? kind : code);
  }
  return hasNoAnswer(error) ? "unreachable" : named(error.code);
}

const named = (code = "") => (/^[a-z_]+$/.test(code) ? code : "unknown");
