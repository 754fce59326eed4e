import { useEffect, useRef, useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { LinkFailed } from "./link-failed.tsx";
import { Providers, readAuthSettings } from "./providers.tsx";
import { sendLink, sendReset, signIn, signUp } from "./sign-in.ts";
import { useOnce } from "./use-once.ts";

/** Signs in or up by Supabase Auth: with a password, a link by e-mail, or a provider that the project has switched on. `failed`: why a link did not. */
export function SignInForm({ failed }: { failed: string | undefined }) {
  const project = useProject();
  const settings = useLoaded(() => readAuthSettings(project.config), [project]);
  const form = useRef<HTMLFormElement>(null);
  const { busy, error, once } = useOnce();
  const [sent, setSent] = useState<Sent>();
  // where Auth does not say, most projects have e-mail and nothing else
  const { providers = [], byEmail = true, takesNew = true } = settings.value ?? {};

  const field = (name: string) => form.current?.elements.namedItem(name) as HTMLInputElement;
  const email = () => field("email").value.trim();

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const isNew = (event.submitter as HTMLButtonElement | null)?.value === "new";
    once(async () => {
      const password = field("password").value;
      if (!isNew) await signIn(project, email(), password);
      else if (!(await signUp(project, email(), password))) setSent({ what: "confirmation", to: email() });
    });
  }

  /** Has a link sent, for which the address alone is needed. */
  function send(what: "link" | "reset"): void {
    if (!field("email").reportValidity()) return;
    once(async () => {
      await (what === "link" ? sendLink : sendReset)(project, email());
      setSent({ what, to: email() });
    });
  }

  if (sent) return <MailSent sent={sent} onBack={() => setSent(undefined)} />;
  return (
    <>
      {failed && !busy && error === undefined && <LinkFailed code={failed} />}
      {byEmail && (
        <form class="card" ref={form} onSubmit={submit}>
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
            <button type="submit" class="main" disabled={busy}>
              Sign in
            </button>
            {takesNew && (
              <button type="submit" value="new" disabled={busy}>
                I am new here
              </button>
            )}
          </div>
          <div class="row">
            <button type="button" disabled={busy} onClick={() => send("link")}>
              Sign in by a link instead
            </button>
            <button type="button" disabled={busy} onClick={() => send("reset")}>
              Forgot your password?
            </button>
          </div>
          <p class="hint">For these two, your e-mail address is enough.</p>
        </form>
      )}
      {/* below, so that nothing moves when Auth has said which there are */}
      <Providers providers={providers} />
    </>
  );
}

interface Sent {
  what: "confirmation" | "link" | "reset";
  /** The address. */
  to: string;
}

/** The same for every address, whoever has an account with it. */
const said: Record<Sent["what"], (to: string) => string> = {
  confirmation: (to) =>
    `If ${to} is new here, an e-mail is on its way to it: follow the link, and you are in. If not, go back and sign in.`,
  link: (to) => `If one can sign in with ${to}, an e-mail is on its way to it: follow the link, and you are in.`,
  reset: (to) =>
    `If there is an account with ${to}, an e-mail is on its way to it, with a link for setting a new password.`,
};

/** Where to look for an e-mail, and what to do with it. */
function MailSent({ sent, onBack }: { sent: Sent; onBack(): void }) {
  const text = useRef<HTMLParagraphElement>(null);
  // the button that was pressed is gone
  useEffect(() => text.current?.focus(), []);
  return (
    <section class="card stack" aria-label="Look into your e-mails">
      <p ref={text} tabIndex={-1} role="status">
        {said[sent.what](sent.to)}
      </p>
      <p class="hint">
        Nothing there after a few minutes? Look into the folder for spam, or go back and ask once more.
      </p>
      <div class="row">
        <button type="button" onClick={onBack}>
          Back
        </button>
      </div>
    </section>
  );
}
