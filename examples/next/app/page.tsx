import { createServerClient } from "@supabase/ssr";
import { cookies } from "next/headers";
import { recsys } from "recsys-client";
import { Feed } from "./feed.tsx";
import { project } from "./project.ts";
import { SignIn } from "./sign-in.tsx";

/** The first page of the reader's feed is in the HTML; the browser goes on from there. */
export default async function Page() {
  const { getAll } = await cookies();
  // proxy.ts renews sessions: what renders cannot set cookies
  const supabase = createServerClient(...project, { cookies: { getAll, setAll() {} } });
  const { data } = await supabase.auth.getSession();
  if (!data.session) return <SignIn />;
  // where it fails here, the browser asks for it
  const first = await recsys(supabase)
    .recommend({ limit: 20 })
    .catch(() => undefined);
  return <Feed key={data.session.user.id} first={first} />;
}
