import { Heading } from "../../shared/heading.tsx";
import { unreachable } from "./sign-in.ts";

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

/** What somebody sees whose link did not work, and who is signed in all the same. */
export function SignedInAlready({ name, failed }: { name: string; failed: string }) {
  return (
    <div class="narrow stack">
      <Heading text="Sign in" />
      <LinkFailed code={failed} />
      <p>
        On this device you are signed in already, as {name}. <a href="#feed">To your feed</a>
      </p>
    </div>
  );
}
