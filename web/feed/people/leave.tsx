import { useProject } from "../../shared/project.ts";
import { go } from "../../shared/use-route.ts";
import { newPasswordRoute } from "./sign-in.ts";

/** The way out: to another person, where one may choose, or to nobody; and where people have passwords, to a new one. */
export function Leave() {
  const { supabase, config } = useProject();
  async function signOut(): Promise<void> {
    // on this device alone; should Auth not answer, the page forgets the session all the same
    await supabase.auth.signOut({ scope: "local" });
  }
  return (
    <div class="row">
      {config.members && (
        <button
          type="button"
          onClick={async () => {
            await signOut();
            go("people");
          }}
        >
          Be somebody else
        </button>
      )}
      <button
        type="button"
        onClick={async () => {
          await signOut();
          go("feed");
        }}
      >
        Sign out
      </button>
      {!config.members && <a href={`#${newPasswordRoute}`}>Set a new password</a>}
    </div>
  );
}
