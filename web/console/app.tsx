import { useEffect, useMemo, useState } from "preact/hooks";
import type { SiteConfig } from "../shared/config.ts";
import { Button, Views } from "../shared/elements.tsx";
import { useLoaded, useRoute } from "../shared/hooks.ts";
import { type AnswerTable, AskProvider, KeyRefused, openConsole, useAsk } from "./console-client.ts";
import { cell } from "./rows-table.tsx";
import { SignIn } from "./sign-in.tsx";
import { ExperimentsView } from "./views/experiments.tsx";
import { HealthView } from "./views/health.tsx";
import { ModelsView } from "./views/models.tsx";
import { PeopleView } from "./views/people.tsx";
import { PostMapView } from "./views/post-map.tsx";
import { PromotionsView } from "./views/promotions.tsx";
import { ShownView } from "./views/shown.tsx";

const views = {
  "": ["Models", ModelsView],
  health: ["Health", HealthView],
  shown: ["What is shown", ShownView],
  posts: ["Posts", PostMapView],
  experiments: ["Experiments", ExperimentsView],
  promotions: ["Promotions", PromotionsView],
  people: ["People", PeopleView],
} as const;

const names = Object.fromEntries(Object.entries(views).map(([route, [name]]) => [route, name]));

/** The console for holders of a secret key of the project. */
export function ConsoleApp({ config }: { config: SiteConfig }) {
  const [key, setKey] = useState(readKey);
  // an address pasted into a tab that is at the console already loads no page
  useEffect(() => {
    const read = () => setKey((before) => readKey() ?? before);
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const signIn = (key: string) => {
    sessionStorage.setItem(place, key);
    setKey(key);
  };
  const signOut = () => {
    sessionStorage.removeItem(place);
    setKey(null);
  };
  if (key === null) return <SignIn onKey={signIn} />;
  return <Console key={key} config={config} secretKey={key} onKey={signIn} onLeave={signOut} />;
}

interface ConsoleProps {
  config: SiteConfig;
  secretKey: string;
  onKey(key: string): void;
  onLeave(): void;
}

function Console({ config, secretKey, onKey, onLeave }: ConsoleProps) {
  const ask = useMemo(() => openConsole(config, secretKey), [config, secretKey]);
  const { error } = useLoaded(() => ask<AnswerTable>("status"), [ask]);
  const [view, ...route] = useRoute().split("/");
  if (error instanceof KeyRefused) return <SignIn refused onKey={onKey} />;
  const [, View] = views[Object.hasOwn(views, view) ? (view as keyof typeof views) : ""];
  return (
    <AskProvider value={ask}>
      <header class="top">
        <strong>Console</strong>
        <Views route={view} links={names} />
        <Button class="plain soft" onClick={onLeave}>
          Forget the key
        </Button>
      </header>
      <main class="stack">
        <ArchiveClock />
        <View key={view} route={route} />
      </main>
    </AskProvider>
  );
}

/** Says which day it is in a community from an archive; without it a model would have learned until many months before it was trained. */
function ArchiveClock() {
  const ask = useAsk();
  const { value } = useLoaded(() => ask<AnswerTable>("clock"), [ask]);
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
