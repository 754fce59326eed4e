import { Heading } from "../../shared/heading.tsx";
import { useProject } from "../../shared/project.ts";
import { LocalMembers } from "./local-members.tsx";
import { SignInForm } from "./sign-in-form.tsx";

/** Who are you? On this machine any member of the community; elsewhere whoever signs in. `failed`: why a link signed nobody in. */
export function ChoosePerson({ failed }: { failed?: string | undefined }) {
  const { config } = useProject();
  return (
    <div class="narrow stack">
      <Heading text={config.members ? "Who are you?" : "Sign in"} />
      {config.members ? <LocalMembers /> : <SignInForm failed={failed} />}
    </div>
  );
}
