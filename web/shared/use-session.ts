import type { SupabaseClient } from "@supabase/supabase-js";
import { useEffect, useState } from "preact/hooks";

export interface SignedIn {
  userId: string;
}

/** Who is signed in; null: nobody; undefined: not known yet. Changes with every sign-in and sign-out, in other tabs too. */
export function useSession(supabase: SupabaseClient): SignedIn | null | undefined {
  const [session, setSession] = useState<SignedIn | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_, session) =>
      setSession((before) => {
        if (!session) return null;
        const { id } = session.user;
        // a renewed token is no other person
        return before?.userId === id ? before : { userId: id };
      }),
    );
    return () => data.subscription.unsubscribe();
  }, [supabase]);
  return session;
}
