/** Texts, tags and languages of posts, as far as they are in other tables. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { at, literal, qualified } from "../catalog/quote.ts";
import type { Opening } from "../find/find-actions.ts";
import type { Language } from "../find/find-language.ts";
import type { PostTable } from "../find/find-roles.ts";
import type { NamedGroup, Tags } from "../find/find-tags.ts";
import type { OfPosts } from "../find/interaction-tables.ts";
import { type Draft, watchSql } from "./draft.ts";
import { kindOfPosts, shownPost } from "./post-ids.ts";
import { joinedAlias, listSql, splitSql, stringSql, textSql, typeIsOneOf } from "./sql-text.ts";

/** The text of a topic, which is its first comment. */
export function openingSql(
  draft: Draft,
  { table, key }: PostTable,
  { table: comments, post, text, number }: Opening,
): string {
  draft.read.add(comments);
  const first = table.name === "first" ? "opening" : "first";
  return `(select ${textSql(at(first, text), text, 50000)} from ${qualified(comments)} as ${first} where ${at(first, post)} = ${at(table.name, key)} and ${at(first, number)} = 1 limit 1)`;
}

/** A code such as en; `und` (undetermined) becomes null. */
export function languageSql(draft: Draft, posts: Table, { code, of }: Language): string {
  if (!of) return `lower(${stringSql(at(posts.name, code), code)})`;
  draft.read.add(of.table);
  const alias = joinedAlias(posts.name, "spoken", "of_spoken");
  return `(select nullif(lower(${stringSql(at(alias, code), code)}), 'und') from ${qualified(of.table)} as ${alias} where ${at(alias, { name: of.key })} = ${at(posts.name, of.by)})`;
}

/** Its tags, behind them the names of the groups that people follow, and where several tables have posts the name of its own. */
export function tagsSql(draft: Draft, posts: PostTable): string {
  const { tags, groups, table } = posts;
  const lists = [
    ...(tags ? [listOfTags(draft, posts, tags)] : []),
    ...groups.map((group) => groupSql(draft, table, group)),
  ];
  const kind = kindOfPosts(draft, table);
  if (kind !== undefined) lists.push(`array[${literal(kind)}]`);
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

export function tagsDoubt(draft: Draft, { table, tags, groups }: PostTable): string {
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
export function watchTexts(draft: Draft, { table: posts, tags, key, opening }: PostTable): string[] {
  const watched = (table: Table, post: Column, texts: string[], others: string[], ofPosts?: OfPosts) =>
    watchSql(
      draft,
      table,
      "post_texts",
      {
        post: post.kind === key.kind ? shownPost(draft, table, table.name, post, posts, ofPosts).watched : undefined,
        texts,
        others,
      },
      `${post.name} is of a type that it does not take`,
    );
  const lines = opening ? [watched(opening.table, opening.post, [opening.text.name], [opening.number.name])] : [];
  if (tags?.from !== "rows") return lines;
  const { table, post, of, word, ofPosts } = tags;
  return [...lines, watched(table, post, [of?.by.name ?? word.name], ofPosts ? [ofPosts.type.name] : [], ofPosts)];
}

/** Columns of the post itself in which its tags are. */
export function tagColumnsOf(tags: Tags | undefined): Column[] {
  if (tags?.from === "group") return [tags.by];
  return tags && tags.from !== "rows" ? [tags.column] : [];
}
