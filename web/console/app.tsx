import { useEffect, useMemo, useState } from "preact/hooks";
import type { Config } from "../shared/config.ts";
import { useLoaded } from "../shared/use-loaded.ts";
import { useRoute } from "../shared/use-route.ts";
import { AskContext, KeyRefused, openConsole, type Table, useAsk } from "./console-client.ts";
import { cell } from "./rows-table.tsx";
import { SignIn } from "./sign-in.tsx";
import { Experiments } from "./views/experiments.tsx";
import { Health } from "./views/health.tsx";
import { Models } from "./views/models.tsx";
import { People } from "./views/people.tsx";
import { PostMap } from "./views/post-map.tsx";
import { Shown } from "./views/shown.tsx";

const views = {
  "": ["Models", Models],
  health: ["Health", Health],
  shown: ["What is shown", Shown],
  posts: ["Posts", PostMap],
  experiments: ["Experiments", Experiments],
  people: ["People", People],
} as const;

/** The console of whoever holds a secret key of the project. */
export function App({ config }: { config: Config }) {
  const [key, setKey] = useState(readKey);
  // whoever pastes the address into a tab that is at the console already loads no page
  useEffect(() => {
    const read = () => setKey((before) => readKey() ?? before);
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const signIn = (key: string) => {
    keepKey(key);
    setKey(key);
  };
  const signOut = () => {
    forgetKey();
    setKey(null);
  };
  if (key === null) return <SignIn onKey={signIn} />;
  return <Console key={key} config={config} secretKey={key} onKey={signIn} onLeave={signOut} />;
}

interface ConsoleProps {
  config: Config;
  secretKey: string;
  onKey(key: string): void;
  onLeave(): void;
}

function Console({ config, secretKey, onKey, onLeave }: ConsoleProps) {
  const ask = useMemo(() => openConsole(config, secretKey), [config, secretKey]);
  const { error } = useLoaded(() => ask<Table>("status"), [ask]);
  const [view, ...route] = useRoute().split("/");
  if (error instanceof KeyRefused) return <SignIn refused onKey={onKey} />;
  const [, View] = views[Object.hasOwn(views, view) ? (view as keyof typeof views) : ""];
  return (
    <AskContext.Provider value={ask}>
      <header class="top">
        <strong>Console</strong>
        <nav aria-label="Views">
          {Object.entries(views).map(([route, [name]]) => (
            <a key={route} href={`#${route}`} aria-current={route === view ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <button type="button" class="plain soft" onClick={onLeave}>
          Forget the key
        </button>
      </header>
      <main class="stack">
        <ArchiveClock />
        <View key={view} route={route} />
      </main>
    </AskContext.Provider>
  );
}

/** Says which day it is in a community from an archive; without it a model would have learned until many months before it was trained. */
function ArchiveClock() {
  const ask = useAsk();
  const { value } = useLoaded(() => ask<Table>("clock"), [ask]);
  const [clock] = value?.rows ?? [];
  if (!clock?.is_archive) return null;
  return (
    <p class="hint">
      This community comes from an archive, and its clock stands at <strong>{cell(clock.now)}</strong>. Only models are
      dated by the clock on the wall.
    </p>
  );
}

/** The project's secret key: from the address that `npm start` prints, or typed in; this tab forgets it when it is closed. */
const place = "recsys.console.key";

/** The key of this tab; one that stands in the address is taken out of it, so that no copy of the address has it. */
function readKey(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    sessionStorage.setItem(place, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(place);
}

function keepKey(key: string): void {
  sessionStorage.setItem(place, key);
}

function forgetKey(): void {
  sessionStorage.removeItem(place);
}
