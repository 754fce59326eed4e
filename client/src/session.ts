import type { SupabaseClient } from "@supabase/supabase-js";

/** A signed-in user and the proof of it: an event that is kept for them is only ever sent with a token of theirs. */
export interface Session {
  /** The user's id and the project that gave it. */
  owner: string;
  token: string;
}

/** The signed-in user; null: none; undefined: unknown just now, as when a token has expired and there is no network. */
export type ReadSession = () => Promise<Session | null | undefined>;

export function sessionOf(
  supabase: Pick<SupabaseClient, "auth">,
  accessToken?: () => Promise<string | null>,
): ReadSession {
  if (accessToken)
    return async () =>
      accessToken().then(
        (token) => token && sessionBy(token),
        () => undefined,
      ) as Promise<Session | null | undefined>;
  return async () => {
    const auth = authOf(supabase);
    // it also rejects, such as where another tab holds the session for too long
    const { data, error } = await auth.getSession().catch(() => ({ data: { session: null }, error: true }));
    return data.session ? sessionBy(data.session.access_token) : error ? undefined : null;
  };
}

function authOf(supabase: Pick<SupabaseClient, "auth">): SupabaseClient["auth"] {
  try {
    // of a client with a token of its own, this throws
    supabase.auth.getSession;
    return supabase.auth;
  } catch (cause) {
    throw new Error(
      "track needs to know who is signed in: createClient was given accessToken, so give recsys the same one: recsys(supabase, { accessToken })",
      { cause },
    );
  }
}

/** null: it is no token of a user. */
function sessionBy(token: string): Session | null {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { iss, sub } = JSON.parse(atob(payload));
    return typeof sub === "string" ? { owner: `${sub}@${iss}`, token } : null;
  } catch {
    return null;
  }
}
