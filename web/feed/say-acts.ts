import { type Act, did } from "./acts.ts";

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
  if ("label" in act) return [` ${act.label}`, `${act.kind}d`];
  if (act.kind === "profile") return ["", "changed what you say of yourself"];
  return [` “${shortened(act.title)}”`, did[act.kind]];
}

function listed(parts: string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function shortened(title: string): string {
  return title.length <= 48 ? title : `${title.slice(0, 47).trimEnd()}…`;
}
