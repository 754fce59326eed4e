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
  const { data } = await supabase.auth.getClaims();
  if (!data) return <SignIn />;
  const id = data.claims.sub;
  // a new user gets a row in the app's table of people, which the recommender reads
  await supabase.from("profiles").upsert({ id }, { ignoreDuplicates: true });
  // where it fails here, the browser asks for it
  const first = await recsys(supabase)
    .recommend({ limit: 20 })
    .catch(() => undefined);
  return <Feed key={id} first={first} />;
}
