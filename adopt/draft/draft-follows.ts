/**
 * recsys.source_follows over the tables that say whom and what a user follows. Each feed reads it by its user, so
 * nothing has to be watched.
 */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { createdOf } from "../catalog/pick-columns.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import type { FollowTable } from "../find/find-follows.ts";
import type { Roles } from "../find/find-roles.ts";
import { type Draft, shownTime, timeDoubts } from "./draft.ts";
import { shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, joinSql, soundTime, stringSql, timeSql, typeIsOneOf } from "./sql-text.ts";

export function draftFollows(draft: Draft, { follows, unclear }: Roles["followed"]): void {
  draft.leaveOut(unclear);
  if (follows.length === 0) return;
  const selects = follows.map((each) => selectOf(draft, each));
  draft.lines.push("-- Whom and what people follow.");
  draft.view("recsys.source_follows", "followed", ["user_id", "kind", "target", "created_at"], selects);
}

const followedThings = {
  person: "people whom somebody follows",
  topic: "tags that somebody follows",
  group: "groups that somebody follows",
};

function selectOf(draft: Draft, follow: FollowTable): string {
  const { table, person, what, types, conditions, doubts } = follow;
  const alias = table.name;
  const named = joinedAlias(alias, "named", "of_named");
  const of = what.kind === "person" ? undefined : what.of;
  for (const read of [table, of?.table]) if (read) draft.read.add(read);
  const where = [
    ...types.map((type) => typeIsOneOf(alias, type)),
    ...conditions.map((condition) => conditionSql(alias, condition)),
  ];
  const ids = [person, ...(what.kind === "person" ? [what.whom] : [])];
  const isOther = ids.map(({ column }) => at(alias, column)).join(" <> ");
  // of a type that is guessed, next to rows of others, there may be none yet
  if (types.every(({ type, sure }) => sure || type.values.length === 0))
    draft.uses.push({
      table,
      as: followedThings[what.kind],
      where: [...where, ...(ids.length > 1 && ids[0].column.kind === ids[1].column.kind ? [isOther] : [])],
      person,
      ...(what.kind === "person" && { whom: what.whom }),
    });
  const user = shownPerson(draft, table, alias, person);
  const whom =
    what.kind === "person"
      ? shownPerson(draft, table, alias, what.whom, joinedAlias(alias, "followed", "of_followed"))
      : undefined;
  const target =
    what.kind === "person"
      ? `${whom?.sql}::text`
      : `left(${stringSql(at(of ? named : alias, what.text), what.text)}, 100)`;
  const since = sinceSql(draft, follow);
  const why = draft.doubt(
    table,
    what.kind === "person"
      ? `taken for whom somebody follows: ${person.column.name} follows ${what.whom.column.name}`
      : `taken for the ${what.kind}s that somebody follows: ${of ? `${nameOf(of.table)}.` : ""}${what.text.name}`,
  );
  const more = doubts.map((doubt) => draft.doubt(table, doubt));
  return [
    `  select ${user.sql} as user_id, '${what.kind}' as kind, ${target} as target, ${since.sql} as created_at from ${qualified(table)} as ${identifier(alias)}${[why, ...more, user.note, whom?.note ?? "", since.note].join("")}`,
    ...(of ? [`  ${joinSql(alias, named, of)}`] : []),
    ...[user, whom].flatMap((person) => (person?.join ? [`  ${person.join}`] : [])),
    `  where ${user.sql} is not null and ${whom ? `${whom.sql} is not null and ${user.sql} <> ${whom.sql}` : `${target} ~ '\\S'`}`,
    ...where.map((condition) => `  and ${condition}`),
  ].join("\n");
}

/** Since when, where the row or its id says so; a time that the engine cannot count with is none. */
function sinceSql(draft: Draft, { table, since }: FollowTable): { sql: string; note: string } {
  const time = since ?? createdOf(table);
  // another time, such as that of its end, says nothing of when it was created
  if (!time || time.doubt) return { sql: "null::timestamptz", note: "" };
  // an id is worked out once, in a column of its own: in the view it took 2 ms of each feed
  const { sql, note } = time.form
    ? shownTime(draft, table, table.name, time)
    : { sql: timeSql(at(table.name, time.column), time.column), note: noteOf(draft, table, time.column) };
  return { sql: `case when ${soundTime(sql)} then ${sql} end`, note };
}

function noteOf(draft: Draft, table: Table, column: Column): string {
  const byType = timeDoubts[column.kind];
  return byType ? draft.doubtColumn(table, column, byType) : "";
}
