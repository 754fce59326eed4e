import { Heading } from "../../shared/heading.tsx";
import { LinkFailed } from "./link-failed.tsx";

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
