/** recsys.source_logins over the table that says when people came back. */
import { nameOf } from "./catalog.ts";
import { type Draft, doubt, personSql, shownPerson, shownTime, unwatched, watchSql } from "./draft.ts";
import type { Logins } from "./find-logins.ts";
import { aliasBeside, at, eventId, identifier, joinSql, qualified, soundTime } from "./sql-text.ts";

export function draftLogins(draft: Draft, { table, person, through, time, success }: Logins): void {
  const alias = table.name;
  const beside = aliasBeside(alias, "account", "of_account");
  draft.readByService.add(table);
  if (through) draft.readByService.add(through.table);
  const user = through
    ? { sql: personSql(draft, beside, person), watched: undefined, note: "" }
    : shownPerson(draft, table, alias, person);
  const created = shownTime(draft, table, alias, time);
  const why = `${doubt(draft, nameOf(table), "taken for the times when people came back")}${user.note}${created.note}`;
  draft.lines.push(
    "-- When people came back.",
    "create or replace view recsys.source_logins with (security_invoker = true) as",
    `select ${eventId(1, table, alias, [through?.by ?? person.column, time.column])} as login_id, ${user.sql} as user_id, ${created.sql} as created_at`,
    `from ${qualified(table)} as ${identifier(alias)}${why}`,
    ...(through ? [joinSql(alias, beside, through)] : []),
    `where ${user.sql} is not null and ${soundTime(created.sql)}${success ? ` and ${at(alias, success)} is true` : ""};`,
    user.watched && created.watched
      ? watchSql(table, "logins", {
          id: table.primaryKey[0] ?? person.column.name,
          user: user.watched,
          created: created.watched,
          others: success ? [success.name] : [],
        })
      : unwatched(
          draft,
          table,
          through
            ? "the person is looked up in another table"
            : "its person or time is no column that a trigger could read",
        ),
    "",
  );
}
