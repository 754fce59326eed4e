import type { Provider } from "@supabase/supabase-js";
import type { Config } from "../../shared/config.ts";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { signInWith } from "./sign-in.ts";
import { useOnce } from "./use-once.ts";

/** A button for each provider that the project has switched on. */
export function Providers({ providers }: { providers: Provider[] }) {
  const project = useProject();
  const { busy, error, once } = useOnce();
  if (providers.length === 0) return null;
  return (
    <>
      <ul class="stack" aria-label="Sign in with another account">
        {providers.map((provider) => (
          <li key={provider}>
            <button
              type="button"
              class="wide"
              disabled={busy}
              onClick={() => once(() => signInWith(project, provider))}
            >
              Continue with {nameOfProvider(provider)}
            </button>
          </li>
        ))}
      </ul>
      {error !== undefined && <Trouble error={error} />}
    </>
  );
}

/** By which ways the project lets people in. */
interface AuthSettings {
  providers: Provider[];
  /** With an e-mail address. */
  byEmail: boolean;
  /** New people too. */
  takesNew: boolean;
}

/** What the providers call themselves; what Auth names beside them (e-mail, phone, anonymous users) is no button to press. */
const names: Partial<Record<Provider, string>> = {
  apple: "Apple",
  azure: "Microsoft",
  bitbucket: "Bitbucket",
  discord: "Discord",
  facebook: "Facebook",
  figma: "Figma",
  fly: "Fly",
  github: "GitHub",
  gitlab: "GitLab",
  google: "Google",
  kakao: "Kakao",
  keycloak: "Keycloak",
  linkedin: "LinkedIn",
  linkedin_oidc: "LinkedIn",
  notion: "Notion",
  slack: "Slack",
  slack_oidc: "Slack",
  spotify: "Spotify",
  twitch: "Twitch",
  twitter: "Twitter",
  workos: "WorkOS",
  x: "X",
  zoom: "Zoom",
};

const nameOfProvider = (provider: Provider): string => names[provider] ?? provider;

/** Asks Auth, which says it to everybody. Rejects where it does not answer. */
export async function readAuthSettings({ url, key }: Config): Promise<AuthSettings> {
  const response = await fetch(`${url}/auth/v1/settings`, { headers: { apikey: key } });
  if (!response.ok) throw new Error(`Auth answered ${response.status}`);
  const { external = {}, disable_signup } = await response.json();
  const providers = Object.keys(names).filter((name) => external[name] === true) as Provider[];
  return { providers, byEmail: external.email !== false, takesNew: disable_signup !== true };
}
