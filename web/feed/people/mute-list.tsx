import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { Failed } from "../failed.tsx";
import { muteOf } from "../marks.ts";
import type { FeedOf } from "../use-feed.ts";
import { type Mute, readMutes } from "./mutes.ts";
import { type Named, nameOf } from "./profile.ts";

/** What somebody muted, to be taken back. */
export function MuteList({ userId, feed }: { userId: string; feed: FeedOf }) {
  const { supabase } = useProject();
  const { marks, pending, act } = feed;
  const isSettled = pending.length === 0;
  const mutes = useLoaded(async () => {
    const mutes = await readMutes(supabase);
    const people = mutes.filter(({ kind }) => kind === "person").map(({ value }) => value);
    const names: Named[] =
      people.length > 0 ? await rows(supabase.from("profiles").select("id, external_id").in("id", people)) : [];
    const byId = new Map(names.map((person) => [person.id, nameOf(person)]));
    return mutes.map(({ kind: of, value }) => ({ of, value, label: sayMute({ kind: of, value }, byId) }));
  }, [userId, isSettled]);
  const left = mutes.value?.filter((mute) => marks.get(muteOf(mute)) !== false);

  return (
    <section class="card stack" aria-labelledby="mutes">
      <h2 id="mutes">Muted</h2>
      {mutes.error !== undefined && <Trouble error={mutes.error} again={mutes.again} />}
      {mutes.value?.map((mute) => (
        <Failed key={muteOf(mute)} feed={feed} place={muteOf(mute)} />
      ))}
      {left?.length === 0 && <p class="soft">Nobody and nothing.</p>}
      <ul class="row">
        {left?.map((mute) => (
          <li key={muteOf(mute)}>
            <button type="button" onClick={() => act({ kind: "unmute", ...mute })}>
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
