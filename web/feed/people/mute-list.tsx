import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { type Mute, readMutes, unmute } from "./mutes.ts";
import { type Named, nameOf } from "./name.ts";

/** What somebody muted, to be taken back. */
export function MuteList({ userId, onUnmuted }: { userId: string; onUnmuted(label: string): void }) {
  const { supabase } = useProject();
  const [failure, setFailure] = useState<unknown>();
  const mutes = useLoaded(async () => {
    const mutes = await readMutes(supabase);
    const people = mutes.filter(({ kind }) => kind === "person").map(({ value }) => value);
    const names: Named[] =
      people.length > 0 ? await rows(supabase.from("profiles").select("id, external_id").in("id", people)) : [];
    const byId = new Map(names.map((person) => [person.id, nameOf(person)]));
    return mutes.map((mute) => ({ ...mute, label: sayMute(mute, byId) }));
  }, [userId]);

  async function takeBack({ label, ...mute }: Mute & { label: string }): Promise<void> {
    setFailure(undefined);
    try {
      await unmute(supabase, userId, mute);
      onUnmuted(label);
      mutes.again();
    } catch (error) {
      setFailure(error);
    }
  }

  return (
    <section class="card stack" aria-labelledby="mutes">
      <h2 id="mutes">Muted</h2>
      {mutes.error !== undefined && <Trouble error={mutes.error} again={mutes.again} />}
      {failure !== undefined && <Trouble error={failure} />}
      {mutes.value?.length === 0 && <p class="soft">Nobody and nothing.</p>}
      <ul class="row">
        {mutes.value?.map((mute) => (
          <li key={`${mute.kind} ${mute.value}`}>
            <button type="button" onClick={() => takeBack(mute)}>
              {mute.label} <span aria-hidden="true">×</span>
              <span class="hidden">take back</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function sayMute({ kind, value }: Mute, names: ReadonlyMap<string, string>): string {
  if (kind === "person") return names.get(value) ?? "a member";
  return kind === "topic" ? `#${value}` : `“${value}”`;
}
