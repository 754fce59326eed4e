/** The selects of which recsys.source_interactions and recsys.source_dismissals are made. */
import { type Column, isSayable, nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, type Condition, publishedOf, titleOf, visibleRowConditions } from "../catalog/pick-columns.ts";
import { at, literal } from "../catalog/quote.ts";
import type { Action } from "../catalog/words.ts";
import type { CommentDeeds } from "../find/find-actions.ts";
import type { PersonColumn } from "../find/find-people.ts";
import type { ParentColumn } from "../find/find-posts.ts";
import type { PostTable } from "../find/find-roles.ts";
import type { Direction, InteractionTable } from "../find/interaction-tables.ts";
import { byName, type Draft, type ShownColumn, shownTime } from "./draft.ts";
import { namedPosts, shownPost } from "./post-ids.ts";
import { type ShownPerson, shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, joinSql, realSql, typeIsOneOf } from "./sql-text.ts";

/** One select of the union. */
export interface DraftPart {
  table: Table;
  /** What its rows are, in the plural. */
  as: string;
  user: ShownPerson;
  person: PersonColumn;
  /** Where the post is in the row of a comment: how that is joined. */
  comment?: string;
  /** What the query calls that row. */
  postAt?: string;
  post: string;
  postColumn: Column;
  /** Whose rows the posts are. */
  of: ReturnType<typeof namedPosts>;
  /** The column by which recsys.watch finds the post. */
  postWatched: string | undefined;
  created: ShownColumn;
  /** The column in which its time is. */
  time?: Column | undefined;
  kind: string;
  /** What it counts as where recsys.kinds does not list it: another kind there, as a text. */
  otherwise?: string;
  value: string;
  where: string[];
  /** Columns on which it depends besides person, post and time. */
  others: string[];
  notes: string[];
  /** Columns that tell its rows apart where there is no key. */
  apart: Column[];
}

export function partOf(draft: Draft, deeds: InteractionTable): DraftPart {
  const { table, of, person, post, postIsSure, ofPosts, elsewhere, time, word, conditions } = deeds;
  const alias = table.name;
  const user = shownPerson(draft, table, alias, person);
  const ofPost = shownPost(draft, table, alias, post, of, ofPosts);
  const created = time
    ? shownTime(draft, table, alias, time)
    : {
        sql: "timestamptz '2000-01-01 00:00Z'",
        watched: undefined,
        note: draft.doubt(table, "it does not say since when; 2000 stands in"),
      };
  const notes = [
    ...deeds.doubts.map((why) => draft.doubt(table, why)),
    user.note,
    postIsSure ? "" : draft.doubtColumn(table, post, byName),
    created.note,
  ].filter((note) => note !== "");
  const more: Condition[] = [
    ...conditions.filter(({ column }) => column !== time?.column),
    ...elsewhere.map((column): Condition => ({ column, test: "absent" })),
  ];
  for (const { column, doubt: why } of more) if (why) notes.push(draft.doubt(table, `${column.name}: ${why}`));
  return {
    table,
    as: `${deeds.action}s${word === deeds.action ? "" : ` (${word})`}`,
    user,
    person,
    of: namedPosts(alias, of, ofPosts),
    post: ofPost.sql,
    postColumn: post,
    postWatched: ofPost.watched,
    created,
    time: time?.column,
    kind: literal(word),
    value: "null::real",
    where: [
      ...(post.notNull ? [] : [conditionSql(alias, { column: post, test: "present" })]),
      ...(ofPosts ? [typeIsOneOf(alias, ofPosts)] : []),
      ...more.map((condition) => conditionSql(alias, condition)),
    ],
    others: [...(ofPosts ? [ofPosts.type.name] : []), ...more.map(({ column }) => column.name)],
    notes,
    apart: [person.column, post, ...(time ? [time.column] : [])],
  };
}

// What the rows of a table say, sorted into what was done and what is not wanted.

/** Where the selects go: what was done, what is not wanted, and the kinds that they have. */
export interface Sorted {
  liked: DraftPart[];
  dismissed: DraftPart[];
  kinds: Map<string, Action>;
}

export function addDeeds(draft: Draft, deeds: InteractionTable, sorted: Sorted): void {
  const { table, action, word, direction, kinds, rating } = deeds;
  const part = partOf(draft, deeds);
  if (action === "dismissal") {
    sorted.dismissed.push(part);
    return;
  }
  if (direction) {
    addForAndAgainst(draft, deeds, direction, part, sorted);
    return;
  }
  if (kinds && (kinds.values.size > 0 || !kinds.column.closed)) {
    addKinds(draft, deeds, kinds, part, sorted);
    return;
  }
  count(sorted, word, action);
  if (rating)
    part.notes.push(draft.doubt(table, `${rating.name} is shown as value; a low one counts as much as a high one`));
  sorted.liked.push({ ...part, ...(rating && { value: realSql(at(table.name, rating), rating) }) });
}

function count({ kinds }: Sorted, what: string, as: Action): void {
  if (as !== "dismissal" && !kinds.has(what)) kinds.set(what, as);
}

function addForAndAgainst(
  draft: Draft,
  { table, word, action }: InteractionTable,
  direction: Direction,
  part: DraftPart,
  sorted: Sorted,
): void {
  const { column, form } = direction;
  const { up, down } = directionSql(table.name, direction);
  part.others.push(column.name);
  count(sorted, word, action);
  const note = draft.doubt(table, `${column.name} is taken for or against: ${up} is a vote, ${down} a dismissal`);
  sorted.liked.push({
    ...part,
    where: [...part.where, `${up}${note}`],
    value: form === "sign" ? realSql(at(table.name, column), column) : part.value,
  });
  sorted.dismissed.push({ ...part, where: [...part.where, down], notes: [] });
}

/** What holds of the rows that are for something, and of those that are against it. */
export function directionSql(alias: string, { column, form }: Direction): { up: string; down: string } {
  const value = at(alias, column);
  if (form === "sign") return { up: `${value} > 0`, down: `${value} < 0` };
  if (form === "boolean") return { up: `${value} is true`, down: `${value} is false` };
  const isOf = (values: string[]) => `${value}::text in (${values.map(literal).join(", ")})`;
  return { up: isOf(form.up), down: isOf(form.down) };
}

/**
 * One column holds the kind. Where users may write any word or emoji, those that recsys.kinds does not list count
 * alike.
 */
function addKinds(
  draft: Draft,
  { table, word, action }: InteractionTable,
  { column, values }: NonNullable<InteractionTable["kinds"]>,
  part: DraftPart,
  sorted: Sorted,
): void {
  const unknown = [...values].filter(([, what]) => what === undefined).map(([value]) => value);
  const against = [...values].filter(([, what]) => what === "dismissal").map(([value]) => value);
  for (const [value, what] of values) if (what) count(sorted, value, what);
  const otherwise = column.closed ? undefined : `any ${word}`;
  if (otherwise) {
    count(sorted, otherwise, action);
    const sayable = unknown.filter(isSayable).slice(0, 5);
    const such = sayable.length > 0 ? `, such as ${sayable.join(", ")},` : "";
    part.notes.push(
      draft.doubt(
        table,
        `${column.name} may be any text: what recsys.kinds does not list${such} counts as ${action}, by its row '${otherwise}' there`,
      ),
    );
  } else if (unknown.length > 0)
    part.notes.push(
      draft.doubt(table, `${column.name} ${unknown.join(", ")} counts as nothing: say in recsys.kinds what it is`),
    );
  const kind = `${at(table.name, column)}::text`;
  part.others.push(column.name);
  const named = { ...part, kind, ...(otherwise && { otherwise }) };
  if (against.length > 0) {
    const isAgainst = `${kind} in (${against.map(literal).join(", ")})`;
    sorted.dismissed.push({ ...part, where: [...part.where, isAgainst], notes: [] });
    sorted.liked.push({ ...named, where: [...part.where, `(${isAgainst}) is not true`] });
  } else sorted.liked.push(named);
}

// Likes of comments, as views of the posts under which they are.

/**
 * Who likes a comment has read the post, which is sure; whether they like the post, too, is not, and a vote would say so. The kind is one
 * of its own, so that a row of recsys.kinds makes it more. What is against a comment says nothing.
 */
export function commentPart(draft: Draft, deeds: CommentDeeds, kinds: Map<string, Action>): DraftPart {
  const { table, of, person, comment, post, postIsOwn, ofComments, ofPosts, first, time, word, conditions } = deeds;
  const alias = table.name;
  const liked = joinedAlias(alias, "liked", "of_liked");
  const user = shownPerson(draft, table, alias, person);
  const created = shownTime(draft, table, alias, time);
  const ofPost = shownPost(draft, postIsOwn ? table : comment.table, postIsOwn ? alias : liked, post, of, ofPosts);
  const kind = `comment_${word}`;
  kinds.set(kind, "view");
  if (first) kinds.set(word, "vote");
  const { up, column } = notAgainst(deeds);
  if (!postIsOwn) draft.read.add(comment.table);
  return {
    table,
    as: `views (${kind})`,
    user,
    person,
    ...(postIsOwn ? {} : { comment: joinSql(alias, liked, comment), postAt: liked }),
    of: namedPosts(postIsOwn ? alias : liked, of, ofPosts),
    post: ofPost.sql,
    postColumn: post,
    postWatched: ofPost.watched,
    created,
    time: time.column,
    kind: first ? `case when ${at(liked, first)} = 1 then ${literal(word)} else ${literal(kind)} end` : literal(kind),
    value: "null::real",
    where: [
      ...(comment.by.notNull ? [] : [conditionSql(alias, { column: comment.by, test: "present" })]),
      ...(ofComments ? [typeIsOneOf(alias, ofComments)] : []),
      ...(ofPosts ? [typeIsOneOf(liked, ofPosts)] : []),
      ...up,
      ...conditions.filter(({ column }) => column !== time.column).map((condition) => conditionSql(alias, condition)),
    ],
    others: [comment.by, ofComments?.type, column, ...conditions.map(({ column }) => column)].flatMap(
      (column) => column?.name ?? [],
    ),
    notes: [
      draft.doubt(
        table,
        `what is done to a row of ${nameOf(comment.table)} counts as a view of its post, of the kind ${kind} in recsys.kinds: make that a vote where it says as much`,
      ),
      ...deeds.doubts.map((why) => draft.doubt(table, why)),
      user.note,
      deeds.commentIsSure ? "" : draft.doubtColumn(table, comment.by, byName),
      created.note,
    ].filter((note) => note !== ""),
    apart: [person.column, comment.by, time.column],
  };
}

/** What holds of the rows that are not against a comment, and the column that says it. */
function notAgainst({ table, against: { direction, kinds } }: CommentDeeds) {
  if (direction) return { up: [directionSql(table.name, direction).up], column: direction.column };
  const values = [...(kinds?.values ?? [])].filter(([, what]) => what === "dismissal").map(([value]) => value);
  return kinds && values.length > 0
    ? {
        up: [`(${at(table.name, kinds.column)}::text in (${values.map(literal).join(", ")})) is not true`],
        column: kinds.column,
      }
    : { up: [], column: undefined };
}

// Posts that answer posts, or pass them on, where they are rows of one table.

export function parentParts(
  draft: Draft,
  { table, author, parents }: PostTable,
  kinds: Map<string, Action>,
): DraftPart[] {
  const published = publishedOf(table);
  if (!author || !published) return [];
  const reposts = parents.filter(({ how }) => how === "repost");
  return parents.map(({ column, how }) => {
    const alias = table.name;
    const isWordless = wordless(table, alias);
    const ofPost = shownPost(draft, table, alias, column, table);
    if (how === "repost") {
      kinds.set("repost", "vote");
      if (isWordless) kinds.set("quote", "comment");
    }
    return {
      table,
      as:
        how === "reply"
          ? "replies as comments"
          : isWordless
            ? "reposts as votes, quotes as comments"
            : "reposts as votes",
      person: author,
      user: shownPerson(draft, table, alias, author),
      of: [{ table }],
      post: ofPost.sql,
      postColumn: column,
      postWatched: ofPost.watched,
      created: shownTime(draft, table, alias, published),
      // what is passed on with words of one's own is a post as well, and says something of the other
      kind:
        how === "repost"
          ? isWordless
            ? `case when ${isWordless} then 'repost' else 'quote' end`
            : "'repost'"
          : "'comment'",
      value: "null::real",
      where: [
        conditionSql(alias, { column, test: "present" }),
        // a post that does both without a word is counted as passed on
        ...(how === "reply" ? reposts.map((repost) => isNoRepost(table, repost)) : []),
        ...visibleRowConditions(table)
          .filter((condition) => condition.column !== published.column)
          .map((condition) => conditionSql(alias, condition)),
      ],
      others: [...visibleRowConditions(table), ...reposts.filter((other) => other.column !== column)]
        .map(({ column }) => column)
        .concat(reposts.length > 0 ? textsOf(table) : [])
        .map(({ name }) => name),
      notes: [],
      apart: [author.column, column, published.column],
    };
  });
}

/** What holds of a post that is no other one passed on: it names none, or says something itself. */
export function isNoRepost(table: Table, { column }: ParentColumn): string {
  const isAbsent = conditionSql(table.name, { column, test: "absent" });
  const isWordless = wordless(table, table.name);
  return isWordless ? `(${isAbsent} or not (${isWordless}))` : isAbsent;
}

/** What holds of a row without any text; undefined: the table has none. */
function wordless(table: Table, alias: string): string | undefined {
  const texts = textsOf(table);
  return texts.length > 0
    ? texts.map((column) => conditionSql(alias, { column, test: "absent" })).join(" and ")
    : undefined;
}

function textsOf(table: Table): Column[] {
  return [titleOf(table), bodyOf(table)?.column].filter((column) => column?.kind === "text") as Column[];
}
