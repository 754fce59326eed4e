import { useEffect, useState } from "preact/hooks";
import { Button, TextField, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useOnce } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { findMembers, personName } from "../app-tables.ts";
import { signIn, signUp } from "./sign-in.ts";

/** The members of the community on this machine, to choose any of them, or a new one. */
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
        <Button
          class="main"
          onClick={() => once(() => signUp(project, `${crypto.randomUUID()}@new.invalid`, crypto.randomUUID()))}
        >
          I am new here
        </Button>
        <a href="#feed">Just look around</a>
      </div>
      {error !== undefined && <Trouble error={error} />}
      <TextField
        label="Or find a member"
        hint="by name or by what they care about"
        type="search"
        value={typed}
        maxLength={100}
        onText={setTyped}
      />
      {members.error !== undefined && <Trouble error={members.error} again={members.again} />}
      <p class="hidden" role="status">
        {members.value && `${members.value.length} members found`}
      </p>
      <ul class="list people" aria-label="Members">
        {members.value?.map((member) => (
          <li key={member.user_id}>
            <Button onClick={() => once(() => signIn(project, member.email, "not asked here"))}>
              <strong>{personName({ ...member, id: member.user_id })}</strong>
              <span>{member.passions.join(", ") || "says nothing of themselves"}</span>
              <span class="soft">{member.interactions.toLocaleString("en")} views, votes and comments</span>
            </Button>
          </li>
        ))}
      </ul>
      {members.value?.length === 0 && <p class="soft">No member has such a name or interest.</p>}
    </>
  );
}
