import { useState } from "preact/hooks";
import { Heading } from "../../shared/heading.tsx";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { setPassword } from "./sign-in.ts";
import { useOnce } from "./use-once.ts";

/** Sets a new password for whoever is signed in, such as by the link they had sent when they forgot theirs. */
export function NewPassword() {
  const project = useProject();
  const { busy, error, once } = useOnce();
  const [isSet, setIsSet] = useState(false);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget as HTMLFormElement).get("password"));
    once(async () => {
      await setPassword(project, password);
      setIsSet(true);
    });
  }

  return (
    <div class="narrow stack">
      <Heading text="A new password" />
      <p role="status">{isSet && "Your new password is set."}</p>
      {isSet ? (
        <a href="#feed">To your feed</a>
      ) : (
        <form class="card" onSubmit={submit}>
          <label>
            New password
            <input name="password" type="password" autocomplete="new-password" minLength={6} required />
          </label>
          {error !== undefined && <Trouble error={error} />}
          <div class="row">
            <button type="submit" class="main" disabled={busy}>
              Set it
            </button>
            <a href="#feed">Not now</a>
          </div>
        </form>
      )}
    </div>
  );
}
