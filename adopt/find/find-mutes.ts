/** Finds the tables that say what a user does not want to see: people, tags, words. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { pickColumn } from "../catalog/pick-columns.ts";
import type { Joined, References } from "../catalog/references.ts";
import { names, parentWords, tableWords } from "../catalog/words.ts";
import type { SkippedTable } from "./find-actions.ts";
import { type KnownApp, type PersonColumn, type PersonThrough, personsOf, personThrough } from "./find-people.ts";
import { type NamedThing, type Tags, wordIn } from "./find-tags.ts";
import { postColumnOf } from "./interaction-tables.ts";

export interface MuteTable {
  table: Table;
  person: PersonColumn;
  /** Where another row names the person: a filter that has these words. */
  through?: Joined;
  /** In a table of several relations: the time of the block, null where there is none. */
  moment?: Column;
  what: Muted;
}

type Muted =
  | { kind: "person"; whom: PersonColumn }
  /** The text is in the row itself, or in that of a tag or a community. */
  | { kind: "topic" | "contains"; text: Column; of?: Joined };

export function findMutes(
  app: KnownApp,
  posts: Table | undefined,
  tags: Tags | undefined,
  groups: NamedThing[],
): { mutes: MuteTable[]; unclear: SkippedTable[]; leftOut: SkippedTable[] } {
  const { catalog, references, people } = app;
  const mutes: MuteTable[] = [];
  const unclear: SkippedTable[] = [];
  const leftOut: SkippedTable[] = [];
  for (const table of catalog) {
    const words = tableWords(table.name);
    if (table === people?.table || table === posts) continue;
    const moment = words.some((word) => verbs.test(word)) ? undefined : blockedSince(table);
    if (moment) {
      const found = posts && postColumnOf(app, table, posts) ? undefined : blockedIn(app, table, tags, groups);
      if (found && "why" in found) unclear.push({ table, why: found.why });
      else if (found) mutes.push({ table, ...found, moment });
      continue;
    }
    if (!words.some((word) => verbs.test(word))) continue;
    if (words.some((word) => parentWords.repost.has(word))) {
      const why = "of whom somebody wants no reposts: those are no posts here, so there is nothing to hide";
      leftOut.push({ table, why });
      continue;
    }
    const [person, whom] = personsOf(app, table);
    if (person && whom && !words.some((word) => /^(filter|hidden)/.test(word))) {
      // the blocked person's column is named as such; of two equal names the first is the one who blocks
      const turned = isTarget(person) && !isTarget(whom);
      const [one, other] = turned ? [whom, person] : [person, whom];
      mutes.push({ table, person: one, what: { kind: "person", whom: other } });
      continue;
    }
    const what = topicNamed(table, tags, references) ?? groupIn(app, table, groups) ?? wordOf(table);
    const owner = ownerOf(app, table);
    const linked = personThrough(app, table);
    if (what && person) mutes.push({ table, person, what });
    else if (what && owner) mutes.push({ table, ...owner, what });
    // such a table has passwords
    else if (what && linked)
      unclear.push({
        table,
        why: `whose it is is said by a row of ${nameOf(linked.through.table)}, which members would have to be let read`,
      });
    else if (person && words.some((word) => /^(block|mute|muting|ignor)/.test(word)))
      unclear.push({ table, why: isOfNothingShown });
  }
  // of a filter with words of its own the text is its name
  return {
    mutes: mutes.filter(({ table }) => !mutes.some(({ through }) => through?.table === table)),
    unclear,
    leftOut,
  };
}

const verbs = /^(block|mute|ignore|filter|blocked|muted|ignored|filtered|blocking|muting|ignoring|filtering|hidden)$/;

const isOfNothingShown = "what somebody does not want to see there is no person, tag or word of posts";

/** The column with the time of a block, in a table that also has follows or other relations. */
export function blockedSince(table: Table): Column | undefined {
  const isOfActions = tableWords(table.name).some((word) => /^(action|relation|relationship)$/.test(word));
  const follows = pickColumn(table, ["followed_at", "followed"], moments);
  return isOfActions || follows
    ? pickColumn(table, ["blocked_at", "muted_at", "ignored_at", "blocked", "muted", "ignored"], moments)
    : undefined;
}

const moments: Column["kind"][] = ["timestamptz", "timestamp"];

/** The person, and the person, tag or group that they block; undefined: the row names no person. */
function blockedIn(
  app: KnownApp,
  table: Table,
  tags: Tags | undefined,
  groups: NamedThing[],
): Pick<MuteTable, "person" | "what"> | { why: string } | undefined {
  const [person, whom] = personsOf(app, table);
  if (!person) return undefined;
  if (whom)
    return isTarget(whom)
      ? { person, what: { kind: "person", whom } }
      : { why: `which of ${person.column.name} and ${whom.column.name} blocks the other no column says` };
  const what = topicNamed(table, tags, app.references) ?? groupIn(app, table, groups);
  return what ? { person, what } : { why: isOfNothingShown };
}

/** A group of posts that a row names, where posts can show its name among their tags. */
function groupIn({ references }: KnownApp, table: Table, groups: NamedThing[]): Muted | undefined {
  for (const { to, column, key } of references.others(table)) {
    const group = groups.find((each) => each.table === to && each.key === key);
    if (group) return { kind: "topic", text: group.text, of: { table: to, key, by: column } };
  }
  return undefined;
}

function isTarget({ column }: PersonColumn): boolean {
  return tableWords(column.name).some((word) => names.targets.has(word));
}

/** A tag, or the community that is taken for one: what `recsys.source_posts` shows as tags. */
export function topicNamed(table: Table, tags: Tags | undefined, references: References): Muted | undefined {
  if (!tags) return undefined;
  for (const { to, column, key } of references.others(table)) {
    const word = wordIn(to, key, tags);
    if (word) return { kind: "topic", text: word, of: { table: to, key, by: column } };
  }
  const text = pickColumn(table, ["tag", "topic", "hashtag", "label", "category", "tag_name"], ["text"]);
  return text && { kind: "topic", text };
}

function wordOf(table: Table): Muted | undefined {
  const text =
    pickColumn(table, ["word", "phrase", "keyword", "term"], ["text"]) ??
    (tableWords(table.name).some((word) => /^(word|phrase|keyword|term)$/.test(word))
      ? pickColumn(table, ["text", "value", "name"], ["text"])
      : undefined);
  return text && { kind: "contains", text };
}

/** Whose filter a row is part of, where a foreign key says so. */
function ownerOf(app: KnownApp, table: Table): PersonThrough | undefined {
  for (const { to, column, key, sure } of app.references.others(table)) {
    if (!sure || !tableWords(to.name).some((word) => verbs.test(word))) continue;
    const [person] = personsOf(app, to);
    if (person) return { through: { table: to, key, by: column }, person };
  }
  return undefined;
}
