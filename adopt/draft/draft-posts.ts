/** recsys.source_posts over the table of posts. */
import { type Column, nameOf, sampleOf, sayableValues, type Table } from "../catalog/catalog.ts";
import {
  audienceCondition,
  bodyOf,
  doubtedFlags,
  emptyingConditions,
  isHtml,
  livingConditions,
  pickColumn,
  publishedOf,
  titleOf,
} from "../catalog/pick-columns.ts";
import { at, identifier, oneLine, qualified } from "../catalog/quote.ts";
import { columns, names, tableWords } from "../catalog/words.ts";
import { rowsInWords } from "../coverage/count-uses.ts";
import type { Opening } from "../find/find-actions.ts";
import type { Language } from "../find/find-language.ts";
import type { PersonColumn } from "../find/find-people.ts";
import { enoughForPosts } from "../find/find-posts.ts";
import type { PostTable, Roles } from "../find/find-roles.ts";
import type { NamedGroup, Tags } from "../find/find-tags.ts";
import { byName, type Draft, shownId, shownTime, watchSql } from "./draft.ts";
import { isNoRepost, typeIsOneOf } from "./draft-parts.ts";
import { draftPolicies } from "./draft-policies.ts";
import { watchPostVectors } from "./draft-vectors.ts";
import { shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, joinSql, listSql, soundTime, splitSql, stringSql, textSql } from "./sql-text.ts";

export function draftPosts(draft: Draft, roles: Roles): void {
  const { posts } = roles;
  for (const table of roles.candidates.timeless)
    draft.doubt(
      table,
      "it could be the posts, but neither a column nor a known form of its ids says when a row came to be: add a column that does, and draft again",
    );
  if (!posts) {
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
  const { table, key, author, parents, tags, language, groups, opening } = posts;
  const alias = table.name;
  draft.read.add(table);
  doubtTable(draft, posts, roles);
  const id = shownId(draft, table, alias, key, "recsys_id");
  const writer = author && shownPerson(draft, table, alias, author);
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
  const living = livingConditions(table)
    .filter(({ column }) => column !== published.column)
    .concat(few ?? []);
  for (const { column, sure } of parents) if (!sure) draft.doubtColumn(table, column, byName);
  doubtUnheld(draft, table);
  const conditions = [
    ...living.map((condition) => ({
      sql: conditionSql(alias, condition),
      note: condition.doubt ? draft.doubt(table, `${condition.column.name}: ${condition.doubt}`) : "",
    })),
    ...writers.living,
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
    unheld: emptyingConditions(table),
  });
  if (opening)
    draft.uses.push({
      table: opening.table,
      as: "texts of posts",
      where: [`${at(opening.table.name, opening.number)} = 1`],
      post: { column: opening.post },
    });
  if (tags?.from === "rows")
    draft.uses.push({
      table: tags.table,
      as: "tags of posts",
      where: tags.ofPosts ? [typeIsOneOf(tags.table.name, tags.ofPosts)] : [],
      post: { column: tags.post },
    });
  if (tags?.from === "ids") draft.uses.push({ table: tags.table, as: "words, which are tags of posts", where: [] });
  for (const { table } of [...(tags?.from === "group" ? [tags] : []), ...groups])
    draft.uses.push({ table, as: "groups, whose names are tags of posts", where: [] });
  draft.lines.push(
    "create or replace view recsys.source_posts with (security_invoker = true) as",
    "select",
    `  ${id.sql} as post_id,`,
    `  ${key.kind === "text" ? `${at(alias, key)}::text` : "null::text"} as external_id,`,
    `  ${writer ? writer.sql : "null::uuid"} as author_id,${writerDoubt}`,
    `  ${title ? textSql(at(alias, title), title, 1000) : "''::text"} as title,`,
    `  ${opening ? openingSql(draft, posts, opening) : body ? textSql(at(alias, body.column), body.column, 50000) : "''::text"} as description,${bodyDoubt}`,
    `  ${tagsSql(draft, posts)} as tags,${tagsDoubt(draft, posts)}`,
    `  ${created.sql} as created_at,${created.note}`,
    `  ${language ? languageSql(draft, table, language) : "null::text"} as language`,
    `from ${qualified(table)} as ${identifier(alias)}`,
    // left: a post stays whoever wrote it, and whether or not its reader may read their row
    ...writers.join,
    `where ${soundTime(created.sql)}${conditions.map(({ sql, note }) => `\n  and ${sql}${note}`).join("")}`,
    ";",
    ...(author && !writer?.watched && id.watched && created.watched
      ? [`-- unsure: a change of ${oneLine(identifier(author.column.name))} is not followed`]
      : []),
    watchSql(
      draft,
      table,
      "posts",
      {
        id: key.plain ? key.name : id.watched,
        // it asks for a uuid: where posts have no author that is one, their own id stands in, whose changes are followed anyway
        author: writer?.watched ?? id.watched,
        created: created.watched,
        texts: [title, body?.column, ...columnsOf(tags), ...groups.map(({ by }) => by)].flatMap(
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
    "",
  );
  const held = living.map((condition) => conditionSql(alias, condition));
  draftPolicies(draft, table, at(alias, key), held);
}

/** How the table of people is joined to posts, and what holds of a writer who is there to be read. */
function writersOf(draft: Draft, alias: string, author: PersonColumn | undefined, join: string | undefined) {
  const { people } = draft;
  const who = joinedAlias(alias, "who", "whom");
  const key = people && (author?.holds === "user id" ? people.userId : people.key);
  const gone = people
    ? livingConditions(people.table).filter(({ test }) => test === "null" || test === "not true" || test === "zero")
    : [];
  if (!author || !people || !key || gone.length === 0 || people.table === draft.posts)
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

function doubtUnheld(draft: Draft, table: Table): void {
  for (const condition of emptyingConditions(table))
    draft.doubt(
      table,
      `${conditionSql(table.name, condition)} holds of ${condition.left} of ${condition.rows} rows, so it is left out: the app does not seem to use it as its name says`,
    );
}

/** What to think of before a table is taken for posts. */
function doubtTable(draft: Draft, { table }: PostTable, { candidates, actions }: Roles): void {
  const [best, second] = candidates.posts;
  if (second && best.points - second.points < 2 && second.points >= enoughForPosts)
    draft.doubt(
      table,
      `${nameOf(second.table)} could be the posts as well (${second.points} points to ${best.points})`,
    );
  const others = candidates.posts
    .slice(1)
    .filter((other) => other.points >= enoughForPosts && !actions.deeds.some((deeds) => deeds.table === other.table));
  if (others.length > 0)
    draft.doubt(
      table,
      `posts are the rows of this one table, and what else could be posts is left out: ${others.map((other) => `${nameOf(other.table)} (${rowsInWords(other.table)} rows)`).join(", ")}`,
    );
  if (tableWords(table.name).some((word) => names.chat.has(word)))
    draft.doubt(table, "messages of a chat are the only texts there are; they are seldom worth recommending");
  if (!table.rowSecurity) draft.doubt(table, "row level security is off: everybody is recommended all of it");
  else if (table.readPolicies.length === 0)
    draft.doubt(table, "no policy lets members read it, so nobody is recommended anything");
  const sort = pickColumn(table, columns.sort, ["text", "enum", "number"]);
  if (sort)
    draft.doubt(table, `${sort.name} says of what sort a post is${named(sort)}: leave out what is not for a feed`);
  const audience = pickColumn(table, columns.audience, ["text", "enum", "number", "boolean"]);
  if (audience && !audienceCondition(table))
    draft.doubt(
      table,
      `${audience.name} says who may see a post${named(audience)}: the view leaves that to row level security`,
    );
  const states = columns.state.flatMap((name) => pickColumn(table, [name], ["text", "enum", "number"]) ?? []);
  for (const state of states)
    if (!statesKnown(table).includes(state))
      draft.doubt(
        table,
        `${state.name}: which of its values are there to be seen is not known, so all are shown${counted(table, state)}`,
      );
  const adult = pickColumn(table, columns.adult, ["text", "enum"]);
  if (adult) draft.doubt(table, `${adult.name} hides nothing here${counted(table, adult)}`);
  for (const { condition, hidden, rows } of doubtedFlags(table)) {
    // a policy already uses the flag
    if (table.rowSecurity && table.readPolicies.some(({ using }) => wordsOfSql(using).includes(condition.column.name)))
      continue;
    const sql = conditionSql(table.name, condition);
    const count = hidden === undefined ? "some rows" : `${hidden} of ${rows} rows`;
    draft.doubt(table, `${condition.column.name} hides nothing here: "and ${sql}" would hide ${count}`);
  }
}

function statesKnown(table: Table): Column[] {
  return [...livingConditions(table), ...emptyingConditions(table)].map(({ column }) => column);
}

function wordsOfSql(sql: string): string[] {
  return sql.split(/[^\p{L}\p{N}_$]+/u);
}

/** How many of the sampled rows have each of the values of a column that a draft may repeat. */
function counted(table: Table, column: Column): string {
  const sayable = sayableValues(column);
  const values = (sampleOf(table, column)?.values ?? []).filter(([value]) => sayable.includes(value));
  return values.length > 0 ? `: ${values.map(([value, times]) => `${value} (${times})`).join(", ")}` : "";
}

/** The text of a topic, which is its first comment. */
function openingSql(draft: Draft, { table, key }: PostTable, { table: comments, post, text, number }: Opening): string {
  draft.read.add(comments);
  const first = table.name === "first" ? "opening" : "first";
  return `(select ${textSql(at(first, text), text, 50000)} from ${qualified(comments)} as ${first} where ${at(first, post)} = ${at(table.name, key)} and ${at(first, number)} = 1 limit 1)`;
}

/** A code such as en; `und` (undetermined) becomes null. */
function languageSql(draft: Draft, posts: Table, { code, of }: Language): string {
  if (!of) return `lower(${stringSql(at(posts.name, code), code)})`;
  draft.read.add(of.table);
  const alias = joinedAlias(posts.name, "spoken", "of_spoken");
  return `(select nullif(lower(${stringSql(at(alias, code), code)}), 'und') from ${qualified(of.table)} as ${alias} where ${at(alias, { name: of.key })} = ${at(posts.name, of.by)})`;
}

/** Its tags, and behind them the names of the groups that people follow. */
function tagsSql(draft: Draft, posts: PostTable): string {
  const { tags, groups, table } = posts;
  const lists = [
    ...(tags ? [listOfTags(draft, posts, tags)] : []),
    ...groups.map((group) => groupSql(draft, table, group)),
  ];
  return lists.join(" || ") || "null::text[]";
}

function groupSql(draft: Draft, posts: Table, { table, key, by, word }: NamedGroup): string {
  draft.read.add(table);
  const alias = joinedAlias(posts.name, "tagged", "tag");
  return `array(select left(${stringSql(at(alias, word), word)}, 100) from ${qualified(table)} as ${alias} where ${at(alias, { name: key })} = ${at(posts.name, by)} and ${at(alias, word)} is not null)`;
}

/** The names of the rows whose keys a list has. */
function namesSql(draft: Draft, posts: Table, { column, table, key, word }: Extract<Tags, { from: "ids" }>): string {
  draft.read.add(table);
  const alias = joinedAlias(posts.name, "tagged", "tag");
  const name = stringSql(at(alias, word), word);
  return `array(select left(${name}, 100) from ${qualified(table)} as ${alias} where ${at(alias, { name: key })} = any (${at(posts.name, column)}) and ${at(alias, word)} is not null order by ${name} limit 100)`;
}

function listOfTags(draft: Draft, { table, key }: PostTable, tags: Tags): string {
  if (tags.from === "column") return listSql(at(table.name, tags.column), tags.column);
  if (tags.from === "list") return splitSql(at(table.name, tags.column), tags.column, tags.between);
  if (tags.from === "group") return groupSql(draft, table, tags);
  if (tags.from === "ids") return namesSql(draft, table, tags);
  draft.read.add(tags.table);
  const [one, other] = ["tagged", "tag", "word"].filter((name) => name !== table.name);
  const bearer = tags.of ? other : one;
  if (tags.of) draft.read.add(tags.of.table);
  const join = tags.of
    ? ` join ${qualified(tags.of.table)} as ${other} on ${at(other, { name: tags.of.key })} = ${at(one, tags.of.by)}`
    : "";
  const word = stringSql(at(bearer, tags.word), tags.word);
  const ofPosts = tags.ofPosts ? ` and ${typeIsOneOf(one, tags.ofPosts)}` : "";
  return `array(select left(${word}, 100) from ${qualified(tags.table)} as ${one}${join} where ${at(one, tags.post)} = ${at(table.name, key)}${ofPosts} and ${at(bearer, tags.word)} is not null order by ${word} limit 100)`;
}

function tagsDoubt(draft: Draft, { table, tags, groups }: PostTable): string {
  const ofGroups = groups.map(({ table: of, word }) =>
    draft.doubt(
      table,
      `the ${word.name} of its ${nameOf(of)} is shown among its tags, since people follow or block these`,
    ),
  );
  return `${ownTagsDoubt(draft, table, tags)}${ofGroups.join("")}`;
}

function ownTagsDoubt(draft: Draft, table: Table, tags: Tags | undefined): string {
  if (tags?.from === "list")
    return draft.doubt(
      table,
      `${tags.column.name} is taken for a list of tags, with ${tags.between.includes(",") ? "commas" : "spaces"} between them`,
    );
  if (tags?.from === "ids")
    return draft.doubt(
      table,
      `${tags.column.name} is taken for ids of ${nameOf(tags.table)}, without a foreign key: their ${tags.word.name} is shown`,
    );
  if (tags?.from === "rows" && tags.ofPosts && !tags.ofPosts.sure)
    return draft.doubt(tags.table, `which values of ${tags.ofPosts.type.name} mean ${nameOf(table)} is guessed`);
  if (tags?.from === "group")
    return draft.doubt(table, `the ${tags.word.name} of its ${nameOf(tags.table)} is taken for its one tag`);
  return "";
}

/** What else holds text of a post: its first comment, its tags. */
function watchTexts(draft: Draft, { tags, key, opening }: PostTable): string[] {
  const watched = (table: Table, post: Column, takes: boolean, texts: string[], others: string[]) =>
    watchSql(
      draft,
      table,
      "post_texts",
      { post: takes ? post.name : undefined, texts, others },
      `${post.name} is of a type that it does not take`,
    );
  const lines = opening
    ? [watched(opening.table, opening.post, opening.post.plain, [opening.text.name], [opening.number.name])]
    : [];
  if (tags?.from !== "rows") return lines;
  const { table, post, of, word, ofPosts } = tags;
  const takes = post.plain && ["uuid", "number", "text"].includes(post.kind) && post.kind === key.kind;
  return [...lines, watched(table, post, takes, [of?.by.name ?? word.name], ofPosts ? [ofPosts.type.name] : [])];
}

/** Columns of the post itself in which its tags are. */
function columnsOf(tags: Tags | undefined): Column[] {
  if (tags?.from === "group") return [tags.by];
  return tags && tags.from !== "rows" ? [tags.column] : [];
}

function named(column: Column): string {
  const values = sayableValues(column);
  return values.length > 0 ? ` (${values.join(", ")})` : "";
}
