/** recsys.source_interactions and recsys.source_dismissals over the tables that say what people did with posts. */
import { type Column, keyOf, nameOf, type Table } from "./catalog.ts";
import {
  addColumn,
  byName,
  type Draft,
  doubt,
  doubtColumn,
  type Shown,
  shownPerson,
  shownTime,
  unwatched,
  watchSql,
} from "./draft.ts";
import { coalescedParent } from "./draft-posts.ts";
import type { Deeds } from "./find-actions.ts";
import type { Posts, Roles } from "./find-roles.ts";
import { type Condition, livingConditions, publishedOf } from "./pick-columns.ts";
import {
  at,
  conditionSql,
  identifier,
  literal,
  oneLine,
  qualified,
  soundTime,
  stringSql,
  timeSql,
  uuidSql,
} from "./sql-text.ts";
import type { Action } from "./words.ts";

/** recsys.event_id_of takes numbers of tables up to this. */
const mostTables = 31;

/** An id that rows of no other table have; `otherwise`: the columns that tell rows apart where there is no key. */
export function eventId(number: number, table: Table, alias: string, otherwise: Column[]): string {
  const key = table.primaryKey.length === 1 ? keyOf(table) : undefined;
  if (key?.kind === "number") return `recsys.event_id_of(${number}, ${at(alias, key)}${key.plain ? "" : "::bigint"})`;
  if (key) return `recsys.event_id_of(${number}, ${stringSql(at(alias, key), key)})`;
  const names = table.primaryKey.length > 0 ? table.primaryKey.map((name) => ({ name })) : otherwise;
  return `recsys.event_id_of(${number}, concat_ws(' ', ${names.map((column) => at(alias, column)).join(", ")}))`;
}

/** One select of the union. */
interface Part {
  table: Table;
  user: Shown;
  post: string;
  postColumn: Column;
  created: Shown;
  /** The kind as SQL. */
  kind: string;
  value: string;
  where: string[];
  /** Columns beside person, post and time on which it depends. */
  others: string[];
  notes: string[];
  /** Columns that tell its rows apart where there is no key. */
  apart: Column[];
}

export function draftInteractions(draft: Draft, roles: Roles): void {
  const { posts } = roles;
  if (!posts) return;
  const kinds = new Map<string, Action>();
  const liked: Part[] = [];
  const dismissed: Part[] = [];
  for (const deeds of roles.actions.deeds) addDeeds(draft, deeds, liked, dismissed, kinds);
  const parents = parentParts(draft, posts, kinds);
  liked.push(...parents);
  for (const { table, why } of roles.actions.unclear) {
    doubt(draft, nameOf(table), `it has to do with people and posts, and is left out: ${why}`);
    draft.lines.push(`-- unsure: ${oneLine(nameOf(table))} is left out: ${oneLine(why)}`);
  }
  if (liked.length > mostTables)
    doubt(draft, "interactions", `of ${liked.length} sources of them ${mostTables} are read`);
  const read = liked.slice(0, mostTables);
  const tables = [...new Set([...read, ...dismissed].map(({ table }) => table))];
  for (const table of tables) draft.read.add(table);
  if (read.length === 0) {
    doubt(
      draft,
      "interactions",
      "no table says what people did with posts: there is nothing to learn from until one does",
    );
    draft.lines.push("-- Interactions: no table says what people did with posts.", "");
  }
  const watches = tables
    .filter((table) => read.some((part) => part.table === table))
    .map((table) =>
      watchTable(
        draft,
        table,
        read.filter((part) => part.table === table),
        posts,
      ),
    );
  if (read.length > 0) draft.lines.push(...interactionLines(read, kinds), ...watches, "");
  if (dismissed.length > 0) draft.lines.push(...dismissalLines(dismissed), "");
}

function addDeeds(draft: Draft, deeds: Deeds, liked: Part[], dismissed: Part[], kinds: Map<string, Action>): void {
  const { table, action, word, direction, rating } = deeds;
  const alias = table.name;
  const part = partOf(draft, deeds);
  const counted = (what: string, as: Action) => as !== "dismissal" && !kinds.has(what) && kinds.set(what, as);
  if (action === "dismissal") {
    dismissed.push(part);
    return;
  }
  if (direction) {
    const value = at(alias, direction.column);
    const { form } = direction;
    const [up, down] =
      form === "sign"
        ? [`${value} > 0`, `${value} < 0`]
        : form === "boolean"
          ? [`${value} is true`, `${value} is false`]
          : [
              `${value}::text in (${form.up.map(literal).join(", ")})`,
              `${value}::text in (${form.down.map(literal).join(", ")})`,
            ];
    part.others.push(direction.column.name);
    counted(word, action);
    const note = doubt(
      draft,
      nameOf(table),
      `${direction.column.name} is taken for or against: ${up} is a vote, ${down} a dismissal`,
    );
    liked.push({
      ...part,
      where: [...part.where, `${up}${note}`],
      value: form === "sign" ? `${value}::real` : part.value,
    });
    dismissed.push({ ...part, where: [...part.where, down], notes: [] });
    return;
  }
  if (deeds.kinds && deeds.kinds.values.size > 0) {
    const { column, values } = deeds.kinds;
    const unknown = [...values].filter(([, what]) => what === undefined).map(([value]) => value);
    const against = [...values].filter(([, what]) => what === "dismissal").map(([value]) => value);
    for (const [value, what] of values) if (what) counted(value, what);
    if (unknown.length > 0)
      part.notes.push(
        doubt(
          draft,
          nameOf(table),
          `${column.name} ${unknown.join(", ")} counts as nothing: say in recsys.kinds what it is`,
        ),
      );
    const kind = `${at(alias, column)}::text`;
    part.others.push(column.name);
    if (against.length > 0) {
      const isAgainst = `${kind} in (${against.map(literal).join(", ")})`;
      dismissed.push({ ...part, where: [...part.where, isAgainst], notes: [] });
      liked.push({ ...part, kind, where: [...part.where, `(${isAgainst}) is not true`] });
    } else liked.push({ ...part, kind });
    return;
  }
  if (deeds.kinds)
    part.notes.push(
      doubt(
        draft,
        nameOf(table),
        `${deeds.kinds.column.name} has values that the catalog does not know; all of them count as ${action}`,
      ),
    );
  counted(word, action);
  if (rating)
    part.notes.push(
      doubt(draft, nameOf(table), `${rating.name} is shown as value; a low one counts as much as a high one`),
    );
  liked.push({ ...part, ...(rating && { value: `${at(alias, rating)}::real` }) });
}

function partOf(draft: Draft, deeds: Deeds): Part {
  const { table, person, post, postIsSure, ofPosts, elsewhere, time, word, conditions } = deeds;
  const alias = table.name;
  const user = shownPerson(draft, table, alias, person);
  const created = time
    ? shownTime(draft, table, alias, time)
    : {
        sql: "timestamptz '2000-01-01 00:00Z'",
        watched: undefined,
        note: doubt(draft, nameOf(table), "it does not say since when; 2000 stands in"),
      };
  const notes = [
    ...deeds.doubts.map((why) => doubt(draft, nameOf(table), why)),
    user.note,
    postIsSure ? "" : doubtColumn(draft, table, post, byName),
    created.note,
  ].filter((note) => note !== "");
  const more: Condition[] = [
    ...conditions.filter(({ column }) => column !== time?.column),
    ...elsewhere.map((column): Condition => ({ column, test: "absent" })),
  ];
  for (const { column, doubt: why } of more) if (why) notes.push(doubt(draft, nameOf(table), `${column.name}: ${why}`));
  return {
    table,
    user,
    post: uuidSql(at(alias, post), post),
    postColumn: post,
    created,
    kind: literal(word),
    value: "null::real",
    where: [
      ...(post.notNull ? [] : [conditionSql(alias, { column: post, test: "present" })]),
      ...(ofPosts
        ? [
            `lower(${at(alias, ofPosts.type)}::text) in (${[...new Set(ofPosts.values.map((value) => value.toLowerCase()))].map(literal).join(", ")})`,
          ]
        : []),
      ...more.map((condition) => conditionSql(alias, condition)),
    ],
    others: [...(ofPosts ? [ofPosts.type.name] : []), ...more.map(({ column }) => column.name)],
    notes,
    apart: [person.column, post, ...(time ? [time.column] : [])],
  };
}

/** Posts that answer posts, or pass them on. */
function parentParts(draft: Draft, { table, author, parents }: Posts, kinds: Map<string, Action>): Part[] {
  const published = publishedOf(table);
  if (!author || !published) return [];
  return parents.map(({ column, how }) => {
    const alias = table.name;
    if (how === "repost") kinds.set("repost", "vote");
    return {
      table,
      user: shownPerson(draft, table, alias, author),
      post: uuidSql(at(alias, column), column),
      postColumn: column,
      created: shownTime(draft, table, alias, published),
      kind: how === "repost" ? "'repost'" : "'comment'",
      value: "null::real",
      where: [
        conditionSql(alias, { column, test: "present" }),
        // a post that does both is counted as passed on
        ...(how === "reply"
          ? parents
              .filter((other) => other.how === "repost")
              .map((other) => conditionSql(alias, { column: other.column, test: "absent" }))
          : []),
        ...livingConditions(table)
          .filter((condition) => condition.column !== published.column)
          .map((condition) => conditionSql(alias, condition)),
      ],
      others: livingConditions(table).map(({ column }) => column.name),
      notes: [],
      apart: [author.column, column, published.column],
    };
  });
}

function interactionLines(parts: Part[], kinds: Map<string, Action>): string[] {
  const own = [...kinds].filter(([kind, head]) => kind !== head);
  return [
    "-- What people did with posts.",
    ...(own.length > 0
      ? [
          `insert into recsys.kinds (kind, head) values ${own.map(([kind, head]) => `(${literal(kind)}, ${literal(head)})`).join(", ")} on conflict (kind) do nothing;`,
        ]
      : []),
    "create or replace view recsys.source_interactions with (security_invoker = true) as",
    "select done.interaction_id, done.user_id, done.post_id, kinds.head as kind, done.value, done.created_at, kinds.weight",
    "from (",
    parts
      .map(({ table, user, post, kind, value, created, where, notes, apart }, place) =>
        [
          ...notes.map((note) => ` ${note}`),
          `  select ${eventId(place + 1, table, table.name, apart)} as interaction_id, ${user.sql} as user_id, ${post} as post_id, ${kind} as kind, ${value} as value, ${created.sql} as created_at`,
          `  from ${qualified(table)} as ${identifier(table.name)}`,
          ...where.map((condition, number) => `  ${number === 0 ? "where" : "  and"} ${condition}`),
        ].join("\n"),
      )
      .join("\n  union all\n"),
    ") as done",
    "join recsys.kinds on kinds.kind = done.kind and kinds.head is not null",
    `where done.user_id is not null and done.post_id is not null and ${soundTime("done.created_at")};`,
  ];
}

function dismissalLines(parts: Part[]): string[] {
  return [
    "-- What people do not want to be shown.",
    "create or replace view recsys.source_dismissals with (security_invoker = true) as",
    "select dismissed.user_id, dismissed.post_id, dismissed.created_at",
    "from (",
    "  select dismissals.user_id, dismissals.post_id, dismissals.created_at from recsys.dismissals",
    ...parts.flatMap(({ table, user, post, created, where, notes }) => [
      "  union all",
      ...notes.map((note) => ` ${note}`),
      `  select ${user.sql}, ${post}, ${created.sql}`,
      `  from ${qualified(table)} as ${identifier(table.name)}`,
      ...where.map((condition, number) => `  ${number === 0 ? "where" : "  and"} ${condition}`),
    ]),
    ") as dismissed",
    `where dismissed.user_id is not null and dismissed.post_id is not null and ${soundTime("dismissed.created_at")};`,
  ];
}

/** One table is watched once, whatever number of parts it has. */
function watchTable(draft: Draft, table: Table, parts: Part[], posts: Posts): string {
  const [first] = parts;
  const user = first.user.watched;
  if (user === undefined) return unwatched(draft, table, "the person is looked up in another table");
  const times = [...new Set(parts.map(({ created }) => created.watched))];
  if (times.includes(undefined)) return unwatched(draft, table, "its time is worked out by the table itself");
  const created =
    times.length === 1
      ? times[0]
      : addColumn(
          draft,
          table,
          "recsys_first_at",
          "timestamptz",
          [],
          () => `least(${parts.map(({ apart }) => timeSql(identifier(apart[2].name), apart[2])).join(", ")})`,
        );
  const columns = [...new Set(parts.map(({ postColumn }) => postColumn))];
  const plain = columns.every(({ plain, kind }) => plain && ["uuid", "number", "text"].includes(kind));
  const post =
    columns.length === 1 && plain
      ? columns[0].name
      : table === posts.table
        ? coalescedParent(draft, posts, (column) =>
            uuidSql(
              column.kind === "text" ? `nullif(${identifier(column.name)}, '')` : identifier(column.name),
              column,
            ),
          )
        : addColumn(draft, table, "recsys_post_id", "uuid", columns, () =>
            uuidSql(identifier(columns[0].name), columns[0]),
          );
  if (!created || !post) return unwatched(draft, table, "its post or time is worked out by the table itself");
  const id = keyOf(table)?.name ?? first.apart[0].name;
  return watchSql(table, "interactions", {
    id,
    user,
    post,
    created,
    others: parts.flatMap(({ others, created: { watched } }) =>
      times.length > 1 && watched ? [...others, watched] : others,
    ),
  });
}
