import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { signIn, signUp } from "./sign-in.ts";

/** Signs in or up with e-mail address and password, by Supabase Auth. */
export function SignInForm() {
  const project = useProject();
  const [error, setError] = useState<unknown>();
  const [hasMail, setMail] = useState(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [email, password] = [String(form.get("email")), String(form.get("password"))];
    const isNew = (event.submitter as HTMLButtonElement | null)?.value === "new";
    setError(undefined);
    try {
      if (isNew) setMail(!(await signUp(project, email, password)));
      else await signIn(project, email, password);
    } catch (error) {
      setError(error);
    }
  }

  if (hasMail) return <p role="status">An e-mail is on its way to you. Follow the link in it, and you are in.</p>;
  return (
    <form class="card" onSubmit={submit}>
      <label>
        E-mail address
        <input name="email" type="email" autocomplete="email" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autocomplete="current-password" minLength={6} required />
      </label>
      {error !== undefined && <Trouble error={error} />}
      <div class="row">
        <button type="submit" class="main">
          Sign in
        </button>
        <button type="submit" value="new">
          I am new here
        </button>
      </div>
    </form>
  );
}
