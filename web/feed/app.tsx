import { useProject } from "../shared/project.ts";
import { useSession } from "../shared/use-session.ts";
import { Member } from "./member.tsx";
import { Skeletons } from "./skeletons.tsx";
import { Visitor } from "./visitor.tsx";

/** A visitor's page, or that of whoever is signed in; each person has one of their own, so that nothing of one is shown to the next. */
export function App() {
  const { supabase } = useProject();
  const session = useSession(supabase);
  if (session === undefined) return <Skeletons />;
  return session === null ? <Visitor /> : <Member key={session.userId} {...session} />;
}
