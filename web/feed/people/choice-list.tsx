import { Button, Trouble } from "../../shared/elements.tsx";
import { useLoaded } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type Act, followOf, muteOf } from "../actions.ts";
import { type Follow, type Mute, readFollows, readNames, readOwnMutes } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import { useTheFeed } from "../use-feed.ts";

const lists = {
  follow: {
    heading: "You follow",
    none: "Nobody and nothing yet.",
    read: readFollows,
    markOf: followOf,
    say: "unfollow",
  },
  mute: { heading: "Muted", none: "Nobody and nothing.", read: readOwnMutes, markOf: muteOf, say: "take back" },
} as const;

/** People and things that a user follows or muted, to be taken back. */
export function ChoiceList({ verb }: { verb: keyof typeof lists }) {
  const { supabase } = useProject();
  const { userId, marks, pending, act } = useTheFeed();
  const { heading, none, read, markOf, say } = lists[verb];
  const isSettled = pending.length === 0;
  const choices = useLoaded(async () => {
    const choices: (Follow | Mute)[] = userId ? await read(supabase, userId) : [];
    const people = choices.filter(({ kind }) => kind === "person").map(({ value }) => value);
    const names = await readNames(supabase, people);
    return choices.map(({ kind: of, value }) => ({ of, value, label: sayChoice({ kind: of, value } as Mute, names) }));
  }, [userId, isSettled]);
  const left = choices.value?.filter((choice) => marks.get(markOf(choice)) !== false);

  return (
    <section class="card stack" aria-labelledby={`${verb}s`}>
      <h2 id={`${verb}s`}>{heading}</h2>
      {choices.error !== undefined && <Trouble error={choices.error} again={choices.again} />}
      {choices.value?.map((choice) => (
        <Failed key={markOf(choice)} place={markOf(choice)} />
      ))}
      {left?.length === 0 && <p class="soft">{none}</p>}
      <ul class="row">
        {left?.map((choice) => (
          <li key={markOf(choice)}>
            <Button onClick={() => act({ kind: `un${verb}`, ...choice } as Act)}>
              <bdi>{choice.label}</bdi> <span aria-hidden="true">×</span>
              <span class="hidden">{say}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function sayChoice({ kind, value }: Follow | Mute, names: ReadonlyMap<string, string>): string {
  if (kind === "person") return names.get(value) ?? "a member";
  return kind === "topic" ? `#${value}` : `“${value}”`;
}
