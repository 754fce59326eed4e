import { unreachable } from "./say-auth-error.ts";

const again = "Begin again below.";
const said: Record<string, string> = {
  otp_expired: "That link has expired or was used before. Have a new one sent to you.",
  access_denied: "You were not signed in, since it was not allowed there. Try again, or another way.",
  signup_disabled: "New people cannot sign up here right now.",
  unreachable,
  bad_code_verifier: `That link works only in the browser in which you asked for it. ${again}`,
  flow_state_expired: `Signing in took too long. ${again}`,
  flow_state_not_found: `That link works only in the browser in which you asked for it. ${again}`,
};

/** Why the link of an e-mail, or the way back from a provider, signed nobody in. `code`: Auth's. */
export function LinkFailed({ code }: { code: string }) {
  return (
    <p class="trouble" role="alert">
      {Object.hasOwn(said, code) ? said[code] : "Signing in did not work. Try again, or another way."}
    </p>
  );
}
