/** recsys.source_posts over the table of posts. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, type Condition, livingConditions, pick, publishedOf, titleOf } from "../catalog/pick-columns.ts";
import { columns, names, tableWords } from "../catalog/words.ts";
import type { Opening } from "../find/find-comments.ts";
import { enoughForPosts, type Tags } from "../find/find-posts.ts";
import type { Posts, Roles } from "../find/find-roles.ts";
import { byName, type Draft, doubt, doubtColumn, shownId, shownTime, unwatched, watchSql } from "./draft.ts";
import { shownPerson } from "./shown-person.ts";
import {
  at,
  conditionSql,
  identifier,
  listSql,
  oneLine,
  qualified,
  soundTime,
  stringSql,
  textSql,
} from "./sql-text.ts";

export function draftPosts(draft: Draft, roles: Roles): void {
  const { posts } = roles;
  if (!posts) {
    const [best] = roles.candidates.posts;
    doubt(
      draft,
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
  const { table, key, author, parents, tags, opening } = posts;
  const alias = table.name;
  draft.read.add(table);
  doubtTable(draft, posts, roles);
  const id = shownId(draft, table, alias, key, "recsys_id");
  const writer = author && shownPerson(draft, table, alias, author);
  const writerDoubt = writer
    ? writer.note
    : doubt(draft, nameOf(table), "nothing says who wrote a post, so people may be recommended their own");
  const title = titleOf(table);
  const body = opening ? undefined : bodyOf(table);
  const bodyDoubt = opening
    ? doubt(
        draft,
        nameOf(table),
        `its text is taken from the row of ${nameOf(opening.table)} whose ${opening.number.name} is 1`,
      )
    : body && !body.sure
      ? doubt(draft, nameOf(table), `${body.column.name} is taken for its text`)
      : "";
  const published = publishedOf(table);
  if (!published) throw new Error("posts have a time");
  const created = shownTime(draft, table, alias, published);
  const language = pick(table, columns.language, ["text", "enum"]);
  const shown: Condition[] = [
    ...livingConditions(table).filter(({ column }) => column !== published.column),
    ...parents.map(
      ({ column, how }): Condition => ({
        column,
        test: "absent",
        doubt: `${how === "reply" ? "replies are comments here, and no posts; those to replies count for nothing" : "a post passed on is no post here, but an interaction with the first one"}`,
      }),
    ),
  ];
  for (const { column, sure } of parents) if (!sure) doubtColumn(draft, table, column, byName);
  const conditions = shown.map((condition) => ({
    sql: conditionSql(alias, condition),
    note: condition.doubt ? doubt(draft, nameOf(table), `${condition.column.name}: ${condition.doubt}`) : "",
  }));
  draft.lines.push(
    "create or replace view recsys.source_posts with (security_invoker = true) as",
    "select",
    `  ${id.sql} as post_id,`,
    `  ${key.kind === "text" ? `${at(alias, key)}::text` : "null::text"} as external_id,`,
    `  ${writer ? writer.sql : "null::uuid"} as author_id,${writerDoubt}`,
    `  ${title ? textSql(at(alias, title), title, 1000) : "''::text"} as title,`,
    `  ${opening ? openingSql(draft, posts, opening) : body ? textSql(at(alias, body.column), body.column, 50000) : "''::text"} as description,${bodyDoubt}`,
    `  ${tags ? tagsSql(draft, posts, tags) : "null::text[]"} as tags,${tagsDoubt(draft, table, tags)}`,
    `  ${created.sql} as created_at,${created.note}`,
    `  ${language ? `lower(${stringSql(at(alias, language), language)})` : "null::text"} as language`,
    `from ${qualified(table)} as ${identifier(alias)}`,
    // left: a post stays whoever wrote it, and whether or not its reader may read their row
    ...(writer?.join ? [`left ${writer.join}`] : []),
    `where ${soundTime(created.sql)}${conditions.map(({ sql, note }) => `\n  and ${sql}${note}`).join("")}`,
    ";",
    ...watchPosts(
      draft,
      posts,
      {
        id: key.plain ? key.name : id.watched,
        uuid: id.watched,
        author: writer?.watched,
        lookup: writer?.lookup,
        created: created.watched,
      },
      [
        ...[title, body?.column, tags?.from === "column" ? tags.column : undefined].filter(
          (column) => column !== undefined,
        ),
        ...(tags?.from === "group" ? [tags.by] : []),
      ],
      [...shown.map(({ column }) => column.name), ...(language ? [language.name] : [])],
    ),
    "",
  );
}

/** What to think of before a table is taken for posts. */
function doubtTable(draft: Draft, { table }: Posts, { candidates }: Roles): void {
  const [best, second] = candidates.posts;
  if (second && best.points - second.points < 2 && second.points >= enoughForPosts)
    doubt(
      draft,
      nameOf(table),
      `${nameOf(second.table)} could be the posts as well (${second.points} points to ${best.points})`,
    );
  if (tableWords(table.name).some((word) => names.chat.has(word)))
    doubt(draft, nameOf(table), "messages of a chat are the only texts there are; they are seldom worth recommending");
  if (!table.rowSecurity) doubt(draft, nameOf(table), "row level security is off: everybody is recommended all of it");
  else if (table.readPolicies.length === 0)
    doubt(draft, nameOf(table), "no policy lets members read it, so nobody is recommended anything");
  const sort = pick(table, columns.sort, ["text", "enum", "number"]);
  if (sort)
    doubt(
      draft,
      nameOf(table),
      `${sort.name} says of what sort a post is${sort.values.length > 0 ? ` (${sort.values.join(", ")})` : ""}: leave out what is not for a feed`,
    );
  const audience = pick(table, columns.audience, ["text", "enum", "number", "boolean"]);
  if (audience)
    doubt(
      draft,
      nameOf(table),
      `${audience.name} says who may see a post${audience.values.length > 0 ? ` (${audience.values.join(", ")})` : ""}: the view leaves that to row level security`,
    );
  const state = pick(table, columns.state, ["text", "enum", "number"]);
  if (state && !livingConditions(table).some(({ column }) => column === state))
    doubt(
      draft,
      nameOf(table),
      `${state.name}: which of its values are there to be seen is not known, so all are shown`,
    );
}

/** The text of a topic, which is its first comment. */
function openingSql(draft: Draft, { table, key }: Posts, { table: comments, post, text, number }: Opening): string {
  draft.read.add(comments);
  const first = table.name === "first" ? "opening" : "first";
  return `(select ${textSql(at(first, text), text, 50000)} from ${qualified(comments)} as ${first} where ${at(first, post)} = ${at(table.name, key)} and ${at(first, number)} = 1 limit 1)`;
}

function tagsSql(draft: Draft, { table, key }: Posts, tags: Tags): string {
  if (tags.from === "column") return listSql(at(table.name, tags.column), tags.column);
  draft.read.add(tags.table);
  const [one, other] = ["tagged", "tag", "word"].filter((name) => name !== table.name);
  if (tags.from === "group")
    return `array(select left(${stringSql(at(one, tags.word), tags.word)}, 100) from ${qualified(tags.table)} as ${one} where ${at(one, { name: tags.key })} = ${at(table.name, tags.by)} and ${at(one, tags.word)} is not null)`;
  const bearer = tags.of ? other : one;
  if (tags.of) draft.read.add(tags.of.table);
  const join = tags.of
    ? ` join ${qualified(tags.of.table)} as ${other} on ${at(other, { name: tags.of.key })} = ${at(one, tags.of.by)}`
    : "";
  const word = stringSql(at(bearer, tags.word), tags.word);
  return `array(select left(${word}, 100) from ${qualified(tags.table)} as ${one}${join} where ${at(one, tags.post)} = ${at(table.name, key)} and ${at(bearer, tags.word)} is not null order by ${word} limit 100)`;
}

function tagsDoubt(draft: Draft, table: Table, tags: Tags | undefined): string {
  if (tags?.from === "group")
    return doubt(draft, nameOf(table), `the ${tags.word.name} of its ${nameOf(tags.table)} is taken for its one tag`);
  return "";
}

function watchPosts(
  draft: Draft,
  { table, tags, key, author, opening }: Posts,
  watched: {
    id: string | undefined;
    uuid: string | undefined;
    author: string | undefined;
    lookup: string[] | undefined;
    created: string | undefined;
  },
  texts: Column[],
  others: string[],
): string[] {
  const lines: string[] = [];
  // recsys.watch asks for a uuid: where posts have no author that is one, their own id stands in, whose changes are followed anyway
  const uuid = watched.author ?? watched.uuid;
  if (watched.id && uuid && watched.created) {
    if (!watched.author && author)
      lines.push(`-- unsure: a change of ${oneLine(identifier(author.column.name))} is not followed`);
    lines.push(
      watchSql(table, "posts", {
        id: watched.id,
        author: uuid,
        created: watched.created,
        texts: texts.map(({ name }) => name),
        others,
        lookup: watched.lookup,
      }),
    );
  } else lines.push(unwatched(draft, table, "its key or time is worked out by the table itself"));
  if (opening) {
    lines.push(
      opening.post.plain
        ? watchSql(opening.table, "post_texts", {
            post: opening.post.name,
            texts: [opening.text.name],
            others: [opening.number.name],
          })
        : unwatched(draft, opening.table, `${opening.post.name} is of a type that it does not take`),
    );
  }
  if (tags?.from === "rows") {
    const follows =
      tags.post.plain && ["uuid", "number", "text"].includes(tags.post.kind) && tags.post.kind === key.kind;
    lines.push(
      follows
        ? watchSql(tags.table, "post_texts", { post: tags.post.name, texts: [tags.of?.by.name ?? tags.word.name] })
        : unwatched(draft, tags.table, `${tags.post.name} is of a type that it does not take`),
    );
  }
  return lines;
}
