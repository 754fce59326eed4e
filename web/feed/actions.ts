/** What can be done and taken back: a vote, a dismissal, a mute, a follow. Each is a mark that is set or not. */
import type { Event, NewEvent } from "../../client/src/index.ts";
import { nowOf } from "../shared/config.ts";
import { isolated } from "../shared/isolated.ts";
import type { Project } from "../shared/project.ts";
import { type AppPost, type Follow, follow, type Mute, mute, unfollow, unmute } from "./app-tables.ts";

/** A user's action since their feed was made, as far as it changes the next one. */
export type Act =
  | { kind: "view" | "vote" | "unvote" | "dismiss" | "undismiss"; post_id: string; title: string }
  | { kind: "comment"; id: string; post_id: string; title: string; body: string }
  | { kind: "seen"; post_id: string; title: string; request_id: string }
  | { kind: "mute" | "unmute"; of: Mute["kind"]; value: string; label: string }
  | { kind: "follow" | "unfollow"; of: Follow["kind"]; value: string; label: string }
  | { kind: "profile" }
  | { kind: "preference" };

/** The event that tells the recommender; undefined: it reads it from the app's own tables. */
function eventOf(act: Act): NewEvent | undefined {
  switch (act.kind) {
    case "view":
    case "dismiss":
      return { type: act.kind, post_id: act.post_id };
    case "undismiss":
      return { type: "dismiss", post_id: act.post_id, value: 0 };
    case "vote":
    case "unvote":
      return { type: "vote", post_id: act.post_id, value: act.kind === "vote" ? 1 : 0 };
    case "comment":
      return { type: "comment", id: act.id, post_id: act.post_id, body: act.body };
    case "seen":
      return { type: "seen", post_id: act.post_id, request_id: act.request_id };
    default:
      return undefined;
  }
}

/** Words for an action, before the title or name of its object. */
const did = {
  view: "opened",
  vote: "voted for",
  unvote: "took back your vote for",
  comment: "commented on",
  dismiss: "dismissed",
  undismiss: "took back that you dismissed",
  seen: "saw",
  mute: "muted",
  unmute: "unmuted",
  follow: "followed",
  unfollow: "unfollowed",
};

/** Why an act takes a post out of the feed; undefined: it does not. Withdrawn acts are not among `acts`: see netOf. */
export function whyGone(post_id: string, post: AppPost | undefined, acts: Act[]): string | undefined {
  for (const act of acts.toReversed()) {
    if (act.kind === "mute") {
      const isOfIt = act.of === "person" ? post?.author_id === act.value : post?.tags.includes(act.value);
      if (isOfIt) return `You muted ${act.label}`;
    } else if ("post_id" in act && act.post_id === post_id) {
      if (act.kind === "dismiss") return "You dismissed it";
      if (act.kind !== "unvote" && act.kind !== "undismiss")
        return `You ${did[act.kind]} it, so it is no longer new to you`;
    }
  }
  return undefined;
}

/** "opened and voted for “A”, muted #b and did 2 more things": the latest first, and each post once. */
export function sayActs(acts: readonly Act[]): string {
  const seen = acts.filter(({ kind }) => kind === "seen").length;
  const said = [...byObject(acts)].reverse().map(([object, verbs]) => `${listed(verbs)}${object}`);
  if (seen > 0) said.push(`saw ${seen} posts`);
  const more = said.length - mostSaid;
  if (more > 0) said.splice(mostSaid, more, `did ${more} more ${more === 1 ? "thing" : "things"}`);
  return listed(said);
}

/** How many things these are, as they are said. */
export function countActs(acts: readonly Act[]): number {
  return byObject(acts).size + (acts.some(({ kind }) => kind === "seen") ? 1 : 0);
}

const mostSaid = 2;

/** What was done, by what it was done to; what was touched last comes last. */
function byObject(acts: readonly Act[]): Map<string, string[]> {
  const said = new Map<string, string[]>();
  for (const act of acts) {
    if (act.kind === "seen") continue;
    const [object, verb] = partsOf(act);
    const verbs = said.get(object) ?? [];
    said.delete(object);
    said.set(object, verbs.includes(verb) ? verbs : [...verbs, verb]);
  }
  return said;
}

/** What an act was done to, and what was done. */
function partsOf(act: Exclude<Act, { kind: "seen" }>): [object: string, verb: string] {
  if ("label" in act) return [` ${act.label}`, did[act.kind]];
  if (act.kind === "profile") return ["", "changed what you say of yourself"];
  if (act.kind === "preference") return ["", "changed what your feed is made of"];
  return [` “${isolated(shortened(act.title))}”`, did[act.kind]];
}

/** "one, another and a third" */
export function listed(parts: string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function shortened(title: string): string {
  return title.length <= 48 ? title : `${title.slice(0, 47).trimEnd()}…`;
}

/**
 * Stores a user's actions. Events are kept and sent in their order as soon as there is a network, which may take until the next
 * visit; mutes and follows go into the app's own tables, one after another, and fail without a network. Throws the first refusal.
 */
export async function sendActs(project: Project, userId: string, acts: readonly Act[]): Promise<void> {
  const events = acts.flatMap((act) => eventOf(act) ?? []);
  const [reports] = await Promise.all([
    Promise.all(events.map((event) => project.recommender.track(event))),
    ...acts.flatMap((act) => changeRow(project, userId, act) ?? []),
  ]);
  const refused = reports.find(({ status }) => status === "refused");
  if (refused) throw new Error(refused.message);
}

/** Resolves when nothing is on its way, or none of it can be sent just now. */
export async function settleActs({ recommender }: Project): Promise<void> {
  await Promise.allSettled([recommender.flush(), latestRow]);
}

let latestRow: Promise<void> = Promise.resolve();

/** Undefined: it is no row of the app's own tables. */
function changeRow(project: Project, userId: string, act: Act): Promise<void> | undefined {
  if (!("of" in act)) return undefined;
  const changed = latestRow.then(() => writeRow(project, userId, act));
  latestRow = changed.catch(() => undefined);
  return changed;
}

function writeRow({ supabase, config }: Project, userId: string, act: Extract<Act, { of: string }>): Promise<void> {
  const { value } = act;
  switch (act.kind) {
    case "mute":
      return mute(supabase, userId, { kind: act.of, value });
    case "unmute":
      return unmute(supabase, userId, { kind: act.of, value });
    case "follow":
      // of an archive by its clock: whom one follows from tomorrow on is not followed today
      return follow(supabase, userId, { kind: act.of, value }, config.clockShift ? nowOf(config) : undefined);
    case "unfollow":
      return unfollow(supabase, userId, { kind: act.of, value });
  }
}

/** By key; one that is missing is not known. */
export type Marks = ReadonlyMap<string, boolean>;

export const voteOn = (post_id: string) => `vote ${post_id}`;
export const dismissalOf = (post_id: string) => `dismiss ${post_id}`;
export const muteOf = ({ of, value }: { of: string; value: string }) => `mute ${of} ${value}`;
export const followOf = ({ of, value }: { of: string; value: string }) => `follow ${of} ${value}`;

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
    case "follow":
    case "unfollow":
      return [followOf(act), act.kind === "follow"];
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
