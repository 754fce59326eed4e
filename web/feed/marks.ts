/** What can be done and taken back: a vote, a dismissal, a mute. Each is a mark that is set or not. */
import type { Event } from "../../client/src/index.ts";
import type { Act } from "./acts.ts";

/** By key; one that is missing is not known. */
export type Marks = ReadonlyMap<string, boolean>;

export const voteOn = (post_id: string) => `vote ${post_id}`;
export const dismissalOf = (post_id: string) => `dismiss ${post_id}`;
export const muteOf = ({ of, value }: { of: string; value: string }) => `mute ${of} ${value}`;

/** The mark that an act sets or takes back; undefined: it cannot be taken back. */
export function markOf(act: Act): [key: string, isSet: boolean] | undefined {
  switch (act.kind) {
    case "vote":
    case "unvote":
      return [voteOn(act.post_id), act.kind === "vote"];
    case "dismiss":
    case "undismiss":
      return [dismissalOf(act.post_id), act.kind === "dismiss"];
    case "mute":
    case "unmute":
      return [muteOf(act), act.kind === "mute"];
    default:
      return undefined;
  }
}

/** The marks as they are after some acts. */
export function withActs(marks: Marks, acts: readonly Act[]): Marks {
  const after = new Map(marks);
  for (const act of acts) {
    const mark = markOf(act);
    if (mark) after.set(...mark);
  }
  return after;
}

/** Those that events set, as the client keeps them until they are stored. */
export function marksOf(events: readonly Event[]): Marks {
  return new Map(
    events.flatMap((event): [string, boolean][] => {
      if (event.type === "vote") return [[voteOn(event.post_id), event.value === 1]];
      if (event.type === "dismiss") return [[dismissalOf(event.post_id), event.value !== 0]];
      return [];
    }),
  );
}

/** What is left of acts once what was taken back is left out, and what was done several times is said once. */
export function netOf(acts: readonly Act[]): Act[] {
  return acts.filter((act) => {
    const same = acts.filter((other) => targetOf(other) === targetOf(act));
    // a mark that is set and taken back in turns is as it was after an even number of them
    return act === same.at(-1) && (!markOf(act) || same.length % 2 === 1);
  });
}

function targetOf(act: Act): string {
  const [key] = markOf(act) ?? [];
  return key ?? ("post_id" in act ? `${act.kind} ${act.post_id}` : act.kind);
}
