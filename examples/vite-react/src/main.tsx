import { createClient, type Session } from "@supabase/supabase-js";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { recsys } from "recsys-client";
import { Feed } from "./feed.tsx";
import { SignIn } from "./sign-in.tsx";

const { VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY } = import.meta.env;
const supabase = createClient(VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY);
const recommender = recsys(supabase);

function App() {
  const [session, setSession] = useState<Session | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, session) => setSession(session));
    return () => data.subscription.unsubscribe();
  }, []);
  if (session === undefined) return null;
  if (session === null) return <SignIn supabase={supabase} />;
  // another reader has a feed of their own
  return <Feed key={session.user.id} recommender={recommender} />;
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
