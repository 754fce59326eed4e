import type { Provider } from "@supabase/supabase-js";
import { useEffect, useRef, useState } from "preact/hooks";
import type { SiteConfig } from "../../shared/config.ts";
import { Button, Form, Heading, TextField, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useOnce } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { changePassword, sendLink, sendReset, signIn, signInWith, signUp, unreachable } from "./sign-in.ts";

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
          <TextField label="E-mail address" name="email" type="email" autocomplete="email" required />
          <TextField
            label="Password"
            name="password"
            type="password"
            autocomplete="current-password"
            minLength={6}
            required
          />
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
            <Button disabled={busy} onClick={() => send("link")}>
              Sign in by a link instead
            </Button>
            <Button disabled={busy} onClick={() => send("reset")}>
              Forgot your password?
            </Button>
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

/** The same for every address, with or without an account. */
const sentWhat: Record<Sent["what"], (to: string) => string> = {
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
        {sentWhat[sent.what](sent.to)}
      </p>
      <p class="hint">
        Nothing there after a few minutes? Look into the folder for spam, or go back and ask once more.
      </p>
      <div class="row">
        <Button onClick={onBack}>Back</Button>
      </div>
    </section>
  );
}

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

/** Why the link of an e-mail, or the way back from a provider, did not sign in. `code`: Auth's. */
function LinkFailed({ code }: { code: string }) {
  return (
    <p class="trouble" role="alert">
      {Object.hasOwn(said, code) ? said[code] : "Signing in did not work. Try again, or another way."}
    </p>
  );
}

/** The page for a user whose link did not work, and who is signed in all the same. */
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

/** A button for each provider that the project has switched on. */
function Providers({ providers }: { providers: Provider[] }) {
  const project = useProject();
  const { busy, error, once } = useOnce();
  if (providers.length === 0) return null;
  return (
    <>
      <ul class="stack" aria-label="Sign in with another account">
        {providers.map((provider) => (
          <li key={provider}>
            <Button class="wide" disabled={busy} onClick={() => once(() => signInWith(project, provider))}>
              Continue with {nameOfProvider(provider)}
            </Button>
          </li>
        ))}
      </ul>
      {error !== undefined && <Trouble error={error} />}
    </>
  );
}

/** The providers that have a button; what Auth names besides them (e-mail, phone, anonymous users) is none to press. */
const allProviders =
  "apple azure bitbucket discord facebook figma fly github gitlab google kakao keycloak linkedin linkedin_oidc notion slack slack_oidc spotify twitch twitter workos x zoom";
/** What they call themselves, where that is not Auth's name with a capital letter. */
const names: Partial<Record<Provider, string>> = {
  ...{ azure: "Microsoft", github: "GitHub", gitlab: "GitLab", linkedin: "LinkedIn", workos: "WorkOS" },
  ...{ linkedin_oidc: "LinkedIn", slack_oidc: "Slack" },
};

const nameOfProvider = (provider: Provider) => names[provider] ?? `${provider[0].toUpperCase()}${provider.slice(1)}`;

/** By which ways the project lets people in, new ones too; Auth says it to everybody. Rejects where it does not answer. */
async function readAuthSettings({ url, key }: SiteConfig) {
  const response = await fetch(`${url}/auth/v1/settings`, { headers: { apikey: key } });
  if (!response.ok) throw new Error(`Auth answered ${response.status}`);
  const { external = {}, disable_signup } = await response.json();
  const providers = allProviders.split(" ").filter((name) => external[name] === true) as Provider[];
  return { providers, byEmail: external.email !== false, takesNew: disable_signup !== true };
}

/** Sets a new password for the signed-in user, such as by the link for a forgotten one. */
export function NewPassword() {
  const project = useProject();
  const { busy, error, once } = useOnce();
  const [password, setPassword] = useState("");
  const [isSet, setIsSet] = useState(false);

  async function change(): Promise<void> {
    await changePassword(project, password);
    setIsSet(true);
  }

  return (
    <div class="narrow stack">
      <Heading text="A new password" />
      <p role="status">{isSet && "Your new password is set."}</p>
      {isSet ? (
        <a href="#feed">To your feed</a>
      ) : (
        <Form onSend={() => once(change)}>
          <TextField
            label="New password"
            value={password}
            onText={setPassword}
            type="password"
            autocomplete="new-password"
            minLength={6}
            required
          />
          {error !== undefined && <Trouble error={error} />}
          <div class="row">
            <button type="submit" class="main" disabled={busy}>
              Set it
            </button>
            <a href="#feed">Not now</a>
          </div>
        </Form>
      )}
    </div>
  );
}
