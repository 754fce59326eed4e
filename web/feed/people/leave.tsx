import { useProject } from "../../shared/project.ts";
import { go } from "../../shared/use-route.ts";
import { newPasswordRoute } from "./sign-in.ts";

/** The way out: to another person, where one may choose, or to nobody; and where people have passwords, to a new one. */
export function Leave() {
  const { supabase, config } = useProject();
  async function leave(route: string): Promise<void> {
    const { hash } = location;
    // on this device alone; should Auth not answer, the page forgets the session all the same
    await supabase.auth.signOut({ scope: "local" });
    // whoever pressed a link meanwhile is where they want to be
    if (location.hash === hash) go(route);
  }
  return (
    <div class="row">
      {config.members && (
        <button type="button" onClick={() => leave("people")}>
          Be somebody else
        </button>
      )}
      <button type="button" onClick={() => leave("feed")}>
        Sign out
      </button>
      {!config.members && <a href={`#${newPasswordRoute}`}>Set a new password</a>}
    </div>
  );
}
