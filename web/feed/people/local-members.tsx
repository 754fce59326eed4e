import { useEffect, useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { findMembers, nameOf } from "./profile.ts";
import { signIn, signUp } from "./sign-in.ts";
import { useOnce } from "./use-once.ts";

/** The members of the community on this machine, of whom anybody may be chosen, or a new one. */
export function LocalMembers() {
  const project = useProject();
  const [typed, setTyped] = useState("");
  const [search, setSearch] = useState("");
  const { error, once } = useOnce();
  useEffect(() => {
    const pause = setTimeout(() => setSearch(typed), 200);
    return () => clearTimeout(pause);
  }, [typed]);
  const members = useLoaded(() => findMembers(search), [search]);

  return (
    <>
      <p class="soft">This community lives on your machine, so you may be any of its members, or a new one.</p>
      <div class="row">
        <button
          type="button"
          class="main"
          onClick={() => once(() => signUp(project, `${crypto.randomUUID()}@new.invalid`, crypto.randomUUID()))}
        >
          I am new here
        </button>
        <a href="#feed">Just look around</a>
      </div>
      {error !== undefined && <Trouble error={error} />}
      <label>
        Or find a member <small>by name or by what they care about</small>
        <input type="search" value={typed} maxLength={100} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      {members.error !== undefined && <Trouble error={members.error} again={members.again} />}
      <p class="hidden" role="status">
        {members.value && `${members.value.length} members found`}
      </p>
      <ul class="people" aria-label="Members">
        {members.value?.map((member) => (
          <li key={member.user_id}>
            <button type="button" onClick={() => once(() => signIn(project, member.email, "not asked here"))}>
              <strong>{nameOf({ id: member.user_id, external_id: member.external_id })}</strong>
              <span>{member.passions.join(", ") || "says nothing of themselves"}</span>
              <span class="soft">{member.interactions.toLocaleString("en")} views, votes and comments</span>
            </button>
          </li>
        ))}
      </ul>
      {members.value?.length === 0 && <p class="soft">Nobody is called so or cares about that.</p>}
    </>
  );
}
