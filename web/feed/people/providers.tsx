import type { Provider } from "@supabase/supabase-js";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { nameOfProvider } from "./auth-settings.ts";
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
