/** recsys.source_posts over the tables of posts. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import {
  audienceCondition,
  bodyOf,
  isHtml,
  overlyStrictConditions,
  publishedOf,
  titleOf,
  visibleRowConditions,
} from "../catalog/pick-columns.ts";
import { at, identifier, oneLine, qualified } from "../catalog/quote.ts";
import type { PersonColumn } from "../find/find-people.ts";
import { enoughForPosts } from "../find/find-posts.ts";
import type { PostTable, Roles } from "../find/find-roles.ts";
import { doubtContents, doubtTable, doubtUnheld } from "./doubt-posts.ts";
import { byName, type Draft, type ShownColumn, shownTime, watchSql } from "./draft.ts";
import { isNoRepost } from "./draft-parts.ts";
import { policiesSql } from "./draft-policies.ts";
import { watchPostVectors } from "./draft-vectors.ts";
import { externalIdSql, shownKey, watchedKey } from "./post-ids.ts";
import { languageSql, openingSql, tagColumnsOf, tagsDoubt, tagsSql, watchTexts } from "./post-texts.ts";
import { type ShownPerson, shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, joinSql, soundTime, textSql, typeIsOneOf } from "./sql-text.ts";

/** What a table of posts shows. */
interface PostPart {
  table: Table;
  author: PersonColumn | undefined;
  writer: ShownPerson | undefined;
  /** How people are joined to the table itself. */
  join: string[];
  id: ShownColumn;
  created: ShownColumn;
  externalId: string;
  authorDoubt: string;
  title: string;
  description: string;
  tags: string;
  tagsDoubt: string;
  /** Whether another table has to be read for its tags. */
  hasTagsElsewhere: boolean;
  language: string;
  /** What holds of the table's rows that are posts, and of those who wrote them. */
  conditions: { sql: string; note: string; ofWriter?: boolean }[];
  watches: string[];
  policies: string[];
}

export function draftPosts(draft: Draft, roles: Roles): void {
  const { contents } = roles;
  for (const table of roles.candidates.timeless)
    draft.doubt(
      table,
      "it could be the posts, but neither a column nor a known form of its ids says when a row was created: add a column that does, and draft again",
    );
  if (contents.length === 0) {
    const [best] = roles.candidates.posts;
    draft.doubt(
      "posts",
      best
        ? `no table of posts was found; the nearest is ${nameOf(best.table)} with ${best.points} of ${enoughForPosts} points (${best.reasons.join("; ")})`
        : "no table of posts was found: none has a key, a text and a time",
    );
    draft.lines.push(
      "-- No table of posts was found, so there is nothing to recommend: recsys.source_posts stays empty.",
      "",
    );
    return;
  }
  doubtContents(draft, roles);
  const parts = contents.map((posts) => partOfPosts(draft, posts));
  const view = parts.length === 1 ? viewOfOne(parts[0]) : viewOfSeveral(draft, parts);
  draft.lines.push(
    ...view,
    ...parts.flatMap(({ watches }) => watches),
    "",
    ...parts.flatMap(({ policies }) => policies),
  );
}

function partOfPosts(draft: Draft, posts: PostTable): PostPart {
  const { table, key, author, parents, tags, language, groups, opening } = posts;
  const alias = table.name;
  draft.read.add(table);
  doubtTable(draft, table);
  const id = shownKey(draft, table, key);
  const writer = author && shownPerson(draft, table, alias, author, draft.contents.length > 1 ? people : undefined);
  const writerDoubt = writer
    ? writer.note
    : draft.doubt(table, "nothing says who wrote a post, so people may be recommended their own");
  const writers = writersOf(draft, alias, author, writer?.join);
  const title = titleOf(table);
  const body = opening ? undefined : bodyOf(table);
  const bodyDoubt = opening
    ? draft.doubt(table, `its text is taken from the row of ${nameOf(opening.table)} whose ${opening.number.name} is 1`)
    : body && !body.sure
      ? draft.doubt(table, `${body.column.name} is taken for its text`)
      : body && isHtml(body.column)
        ? draft.doubt(
            table,
            `${body.column.name} is taken for its text, with the tags of HTML in it: regexp_replace(…, '<[^>]*>', ' ', 'g') is without`,
          )
        : "";
  const published = publishedOf(table);
  if (!published) throw new Error("posts have a time");
  const created = shownTime(draft, table, alias, published);
  const few = audienceCondition(table);
  const living = visibleRowConditions(table)
    .filter(({ column }) => column !== published.column)
    .concat(few ?? []);
  for (const { column, sure } of parents) if (!sure) draft.doubtColumn(table, column, byName);
  doubtUnheld(draft, table);
  const conditions = [
    ...living.map((condition) => ({
      sql: conditionSql(alias, condition),
      note: condition.doubt ? draft.doubt(table, `${condition.column.name}: ${condition.doubt}`) : "",
    })),
    ...writers.living.map((condition) => ({ ...condition, ofWriter: true })),
    ...parents.map((parent) => ({
      sql:
        parent.how === "repost"
          ? isNoRepost(table, parent)
          : conditionSql(alias, { column: parent.column, test: "absent" }),
      note: draft.doubt(table, `${parent.column.name}: ${isNoPost[parent.how]}`),
    })),
  ];
  const texts = [title, body?.column].filter((column) => column !== undefined);
  draft.uses.push({
    table,
    as: "posts",
    where: conditions.map(({ sql, note }) => `${sql}${note}`),
    join: writers.living.length > 0 ? writers.join[0] : undefined,
    person: author,
    isEmpty:
      opening || texts.length === 0
        ? undefined
        : texts.map((column) => `coalesce(${at(alias, column)}::text, '') = ''`).join(" and "),
    unheld: overlyStrictConditions(table),
  });
  if (opening)
    draft.uses.push({
      table: opening.table,
      as: "texts of posts",
      where: [`${at(opening.table.name, opening.number)} = 1`],
      post: { column: opening.post, of: [{ table }] },
    });
  if (tags?.from === "rows")
    draft.uses.push({
      table: tags.table,
      as: "tags of posts",
      where: tags.ofPosts ? [typeIsOneOf(tags.table.name, tags.ofPosts)] : [],
      post: { column: tags.post, of: [{ table: posts.table }] },
    });
  if (tags?.from === "ids") draft.uses.push({ table: tags.table, as: "words, which are tags of posts", where: [] });
  for (const { table } of [...(tags?.from === "group" ? [tags] : []), ...groups])
    draft.uses.push({ table, as: "groups, whose names are tags of posts", where: [] });
  return {
    table,
    author,
    writer,
    join: writers.join,
    id,
    created,
    externalId: externalIdSql(draft, table, at(alias, key), key),
    authorDoubt: writerDoubt,
    title: title ? textSql(at(alias, title), title, 1000) : "''::text",
    description: `${opening ? openingSql(draft, posts, opening) : body ? textSql(at(alias, body.column), body.column, 50000) : "''::text"} as description,${bodyDoubt}`,
    tags: tagsSql(draft, posts),
    tagsDoubt: tagsDoubt(draft, posts),
    hasTagsElsewhere: groups.length > 0 || (tags !== undefined && tags.from !== "column" && tags.from !== "list"),
    language: language ? languageSql(draft, table, language) : "null::text",
    conditions,
    watches: [
      ...(author && !writer?.watched && id.watched && created.watched
        ? [`-- unsure: a change of ${oneLine(identifier(author.column.name))} is not followed`]
        : []),
      watchSql(
        draft,
        table,
        "posts",
        {
          id: watchedKey(draft, table, key),
          // it asks for a uuid: where posts have no author that is one, their own id stands in, whose changes are followed anyway
          author: writer?.watched ?? id.watched,
          created: created.watched,
          texts: [title, body?.column, ...tagColumnsOf(tags), ...groups.map(({ by }) => by)].flatMap(
            (column) => column?.name ?? [],
          ),
          others: [...[...living, ...parents].map(({ column }) => column), language?.of?.by ?? language?.code].flatMap(
            (column) => column?.name ?? [],
          ),
          lookup: writer?.lookup,
        },
        "its key or time is worked out by the table itself",
      ),
      ...watchTexts(draft, posts),
      ...watchPostVectors(draft, posts),
    ],
    policies: policiesSql(
      table,
      at(alias, key),
      living.map((condition) => conditionSql(alias, condition)),
    ),
  };
}

function viewOfOne({ table, writer, join, id, created, ...part }: PostPart): string[] {
  return [
    "create or replace view recsys.source_posts with (security_invoker = true) as",
    "select",
    `  ${id.sql} as post_id,`,
    `  ${part.externalId} as external_id,`,
    `  ${writer ? writer.sql : "null::uuid"} as author_id,${part.authorDoubt}`,
    `  ${part.title} as title,`,
    `  ${part.description}`,
    `  ${part.tags} as tags,${part.tagsDoubt}`,
    `  ${created.sql} as created_at,${created.note}`,
    `  ${part.language} as language`,
    `from ${qualified(table)} as ${identifier(table.name)}`,
    // left: a post stays whether or not its reader may read the author's row
    ...join,
    `where ${soundTime(created.sql)}${part.conditions.map(({ sql, note }) => `\n  and ${sql}${note}`).join("")}`,
    ";",
  ];
}

/**
 * The posts of several tables. PostgreSQL uses a table's index only in a union of plain selects, so each reads one
 * table. Joins of people, conditions (is_shown) and tags of other tables come outside of the union.
 */
function viewOfSeveral(draft: Draft, parts: PostPart[]): string[] {
  const [{ author, writer }] = parts;
  const byAuthor = author && { ...author, column: { ...author.column, name: "author" } };
  const join =
    writer?.join && draft.people
      ? joinSql(union, people, {
          table: draft.people.table,
          key: draft.people.key.name,
          by: { ...author?.column, name: "author" } as Column,
        })
      : undefined;
  const writers = writersOf(draft, union, byAuthor, join);
  const elsewhere = parts.filter(({ hasTagsElsewhere }) => hasTagsElsewhere);
  return [
    '-- Each select reads one table and has no "where", so that a post is found by an index of its table: conditions are in is_shown.',
    "create or replace view recsys.source_posts with (security_invoker = true) as",
    "select",
    `  ${union}.post_id,`,
    `  ${union}.external_id,`,
    `  ${writer?.join ? writer.sql : `${union}.author_id`} as author_id,`,
    `  ${union}.title,`,
    `  ${union}.description,`,
    ...(elsewhere.length > 0
      ? ["  coalesce(", `    ${union}.tags,`, ...elsewhere.map(lookUpTags), "  ) as tags,"]
      : [`  ${union}.tags,`]),
    `  ${union}.created_at,`,
    `  ${union}.language`,
    "from (",
    parts.map((part) => selectOf(part, writers.join.length > 0)).join("\n  union all\n"),
    `) as ${union}`,
    ...writers.join,
    `where ${soundTime(`${union}.created_at`)}`,
    `  and ${union}.is_shown`,
    ...writers.living.map(({ sql, note }) => `  and ${sql}${note}`),
    ";",
  ];
}

function lookUpTags({ table, id, tags, tagsDoubt }: PostPart, place: number, all: PostPart[]): string {
  const alias = identifier(table.name);
  const between = place < all.length - 1 ? "," : "";
  return `    (select ${tags} from ${qualified(table)} as ${alias} where ${id.sql} = ${union}.post_id)${between}${tagsDoubt}`;
}

function selectOf({ table, author, writer, id, created, ...part }: PostPart, isJoined: boolean): string {
  const conditions = part.conditions.filter(({ ofWriter }) => !ofWriter);
  return [
    "  select",
    `    ${id.sql} as post_id,`,
    `    ${part.externalId} as external_id,`,
    ...(author && isJoined ? [`    ${at(table.name, author.column)} as author,${part.authorDoubt}`] : []),
    ...(writer && !writer.join ? [`    ${writer.sql} as author_id,${part.authorDoubt}`] : []),
    `    ${part.title} as title,`,
    `    ${part.description}`,
    part.hasTagsElsewhere ? "    null::text[] as tags," : `    ${part.tags} as tags,${part.tagsDoubt}`,
    `    ${created.sql} as created_at,${created.note}`,
    `    ${part.language} as language,`,
    `    ${conditions.map(({ sql, note }) => `${sql}${note}`).join("\n      and ") || "true"}`,
    "    as is_shown",
    `  from ${qualified(table)} as ${identifier(table.name)}`,
  ].join("\n");
}

/** What the query of several tables calls all of them: a name that no table of an app has. */
const union = "posts_of_all_tables";

/** What it calls the table of people. */
const people = "who";

/** How the table of people is joined to posts, and what holds of a writer who is there to be read. */
function writersOf(draft: Draft, alias: string, author: PersonColumn | undefined, join: string | undefined) {
  const { people } = draft;
  const who = joinedAlias(alias, "who", "whom");
  const key = people && (author?.holds === "user id" ? people.userId : people.key);
  const gone = people
    ? visibleRowConditions(people.table).filter(({ test }) => test === "null" || test === "not true" || test === "zero")
    : [];
  if (!author || !people || !key || gone.length === 0 || draft.contents.includes(people.table))
    return { join: join ? [`left ${join}`] : [], living: [] };
  draft.read.add(people.table);
  return {
    // left: a post stays where its reader may not read the row of who wrote it
    join: [`left ${join ?? joinSql(alias, who, { table: people.table, key: key.name, by: author.column })}`],
    living: gone.map((condition) => ({
      sql: conditionSql(who, condition),
      note: draft.doubt(people.table, `posts of whom ${condition.column.name} says are gone are left out`),
    })),
  };
}

const isNoPost = {
  reply: "replies are comments here, and no posts; those to replies count for nothing",
  repost:
    "a post passed on without a word is no post here, but a vote for the first one; with one it is both a post and a comment on the first",
};
