/** recsys.source_interactions and recsys.source_dismissals over the tables that say what people did with posts. */
import { keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { identifier, literal, oneLine, qualified } from "../catalog/quote.ts";
import type { Action } from "../catalog/words.ts";
import type { TableUse } from "../coverage/use.ts";
import type { Roles } from "../find/find-roles.ts";
import { addColumn, type Draft, noUuid, watchSql } from "./draft.ts";
import { addDeeds, commentPart, type DraftPart, parentParts, type Sorted } from "./draft-parts.ts";
import { eventId, soundTime, uuidSql } from "./sql-text.ts";

/** recsys.event_id_of takes numbers of tables up to this. */
const mostTables = 31;

export function draftInteractions(draft: Draft, roles: Roles): void {
  if (roles.contents.length === 0) return;
  const sorted: Sorted = { liked: [], dismissed: [], kinds: new Map() };
  const { liked, dismissed, kinds } = sorted;
  for (const deeds of roles.actions.deeds) addDeeds(draft, deeds, sorted);
  for (const deeds of roles.actions.onComments) liked.push(commentPart(draft, deeds, kinds));
  for (const posts of roles.contents) liked.push(...parentParts(draft, posts, kinds));
  for (const { table, why } of roles.actions.unclear) {
    draft.doubt(table, `it has to do with people and posts, and is left out: ${why}`);
    draft.lines.push(`-- unsure: ${oneLine(nameOf(table))} is left out: ${oneLine(why)}`);
  }
  draft.leaveOut(roles.actions.repeats);
  if (liked.length > mostTables)
    draft.doubt("interactions", `of ${liked.length} sources of them ${mostTables} are read`);
  const read = liked.slice(0, mostTables);
  const tables = [...new Set([...read, ...dismissed].map(({ table }) => table))];
  for (const table of tables) draft.read.add(table);
  if (read.length === 0) {
    draft.doubt(
      "interactions",
      "no table says what people did with posts: there is nothing to learn from until one does",
    );
    draft.lines.push("-- Interactions: no table says what people did with posts.", "");
  }
  const watches = tables
    .filter((table) => read.some((part) => part.table === table))
    .flatMap((table) =>
      watchTable(
        draft,
        table,
        read.filter((part) => part.table === table),
      ),
    );
  draft.uses.push(
    ...read.map((part) => useOf(part, [...kinds.keys()])),
    ...dismissed.map((part) => ({ ...useOf(part, []), as: "dismissals" })),
  );
  if (read.length > 0) draft.lines.push(...interactionLines(read, kinds), ...watches, "");
  if (dismissed.length > 0) draft.lines.push(...dismissalLines(dismissed), "");
}

function useOf(
  { table, as, of, where, comment, person, postColumn, postAt, time, kind, otherwise }: DraftPart,
  listed: string[],
): TableUse {
  return {
    table,
    as,
    where,
    join: comment,
    person,
    time,
    post: { column: postColumn, of, ...(postAt && { at: postAt }) },
    ...(saysKind(kind) && { kinds: { sql: kind, listed, otherwise: otherwise ?? null } }),
  };
}

/** Whether each row says of what kind it is, in the app's own words. */
function saysKind(kind: string): boolean {
  return kind.endsWith("::text");
}

function interactionLines(parts: DraftPart[], kinds: Map<string, Action>): string[] {
  const own = [...kinds].filter(([kind, head]) => kind !== head);
  const isOpen = parts.some(({ otherwise }) => otherwise);
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
      .map(({ table, user, comment, post, kind, value, created, where, notes, apart, otherwise }, place) =>
        [
          ...notes.map((note) => ` ${note}`),
          `  select ${eventId(place + 1, table, table.name, apart)} as interaction_id, ${user.sql} as user_id, ${post} as post_id, ${kind} as kind, ${value} as value, ${created.sql} as created_at${isOpen ? `, ${otherwise ? literal(otherwise) : "null"} as otherwise` : ""}`,
          `  from ${qualified(table)} as ${identifier(table.name)}`,
          ...[comment, user.join].flatMap((join) => (join ? [`  ${join}`] : [])),
          ...where.map((condition, number) => `  ${number === 0 ? "where" : "  and"} ${condition}`),
        ].join("\n"),
      )
      .join("\n  union all\n"),
    ") as done",
    isOpen
      ? "join recsys.kinds on kinds.kind = case when done.kind in (select listed.kind from recsys.kinds as listed) then done.kind else done.otherwise end and kinds.head is not null"
      : "join recsys.kinds on kinds.kind = done.kind and kinds.head is not null",
    `where done.user_id is not null and done.post_id is not null and ${soundTime("done.created_at")};`,
    ...kindLines(parts.filter(({ kind }) => saysKind(kind))),
  ];
}

/** The words that rows say themselves, for recsys.check() to say which of them recsys.kinds does not list. */
function kindLines(parts: DraftPart[]): string[] {
  if (parts.length === 0) return [];
  return [
    "create or replace view recsys.source_kinds with (security_invoker = true) as",
    parts
      .map(
        ({ table, kind, otherwise, where }) =>
          `select ${literal(nameOf(table))}::text as of_table, ${kind} as kind, ${otherwise ? literal(otherwise) : "null"}::text as otherwise from ${qualified(table)} as ${identifier(table.name)}${where.length > 0 ? ` where ${where.join(" and ")}` : ""}`,
      )
      .join("\nunion all\n"),
    ";",
  ];
}

function dismissalLines(parts: DraftPart[]): string[] {
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
      ...(user.join ? [`  ${user.join}`] : []),
      ...where.map((condition, number) => `  ${number === 0 ? "where" : "  and"} ${condition}`),
    ]),
    ") as dismissed",
    `where dismissed.user_id is not null and dismissed.post_id is not null and ${soundTime("dismissed.created_at")};`,
  ];
}

// The call of recsys.watch for a table of what people did.

const onComments = "the post is looked up in the row of its comment";

/** A table is watched once for each of the columns and times by which its rows name a post. */
function watchTable(draft: Draft, table: Table, all: DraftPart[]): string[] {
  const parts = all.filter(({ comment }) => comment === undefined);
  if (parts.length === 0) return [draft.unwatched(table, onComments)];
  const kinds = new Map<string, DraftPart[]>();
  for (const part of parts) {
    const kind = JSON.stringify([part.postWatched ?? part.postColumn.name, part.created.watched]);
    kinds.set(kind, [...(kinds.get(kind) ?? []), part]);
  }
  const watched = [...new Set([...kinds.values()].map((kind) => watchOwn(draft, table, kind)))];
  if (parts.length === all.length) return watched;
  draft.doubt(table, `what is done to comments reaches the feeds only when everything is recomputed: ${onComments}`);
  return [
    ...watched,
    `-- unsure: what is done to comments in ${oneLine(qualified(table))} is not followed: ${onComments}`,
  ];
}

/** Of the parts whose post is one column of the table, at one time. */
function watchOwn(draft: Draft, table: Table, parts: DraftPart[]): string {
  const [{ user, created, postColumn, postWatched, apart }] = parts;
  const uuid = uuidSql(identifier(postColumn.name), postColumn);
  const addedPost = () => addColumn(draft, table, "recsys_post_id", "uuid", [postColumn], uuid);
  const post = postWatched ?? (user.watched && created.watched ? addedPost() : undefined);
  const watched = {
    id: keyOf(table)?.name ?? apart[0].name,
    user: user.watched,
    post,
    created: created.watched,
    lookup: user.lookup,
    others: parts.flatMap(({ others }) => others),
  };
  const lacking = `its ${created.watched ? "post" : "time"} is worked out by the table itself`;
  return watchSql(draft, table, "interactions", watched, user.watched ? lacking : noUuid);
}
