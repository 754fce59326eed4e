import { createClient } from "@supabase/supabase-js";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { recsys } from "recsys-client";
import { Feed } from "./feed.tsx";
import { SignIn } from "./sign-in.tsx";

const { VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY } = import.meta.env;
const supabase = createClient(VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY);
const recommender = recsys(supabase);

/** Id of the signed-in user; null: signed out, undefined: not known yet. */
function useReader(): string | null | undefined {
  const [reader, setReader] = useState<string | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, session) => setReader(session?.user.id ?? null));
    return () => data.subscription.unsubscribe();
  }, []);
  return reader;
}

/** Gives a new user a row in the app's table of people, which the recommender reads. */
function useProfile(reader: string | null | undefined): boolean {
  const [known, setKnown] = useState<string>();
  useEffect(() => {
    if (!reader) return;
    const made = supabase.from("profiles").upsert({ id: reader }, { ignoreDuplicates: true });
    made.then(() => setKnown(reader));
  }, [reader]);
  return known === reader;
}

function App() {
  const reader = useReader();
  const isKnown = useProfile(reader);
  if (reader === null) return <SignIn supabase={supabase} />;
  if (reader === undefined || !isKnown) return null;
  // another reader has a feed of their own
  return <Feed key={reader} recommender={recommender} />;
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
