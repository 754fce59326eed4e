import { type AuthError, isAuthError } from "@supabase/supabase-js";

/** Auth's own codes in words. None of them says whether somebody has an account with an address. */
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
export function hasNoAnswer({ status }: AuthError): boolean {
  // 0: the network gave no answer
  return status === 0 || (status ?? 0) >= 500;
}

/** What went wrong with signing in, in one line for its reader. */
export function sayAuthError(error: unknown): string {
  if (!isAuthError(error)) return (error as Error).message;
  if (error.name === "AuthSessionMissingError") return said.session_not_found;
  if (hasNoAnswer(error)) return unreachable;
  return said[error.code ?? ""] ?? error.message;
}
