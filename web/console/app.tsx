import { useEffect, useMemo, useState } from "preact/hooks";
import type { Config } from "../shared/config.ts";
import { useLoaded } from "../shared/use-loaded.ts";
import { useRoute } from "../shared/use-route.ts";
import { ArchiveClock } from "./archive-clock.tsx";
import { AskContext, KeyRefused, openConsole, type Table } from "./console-client.ts";
import { forgetKey, keepKey, readKey } from "./key.ts";
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
