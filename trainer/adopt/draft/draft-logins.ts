/** recsys.source_logins over the table that says when people came back. */
import { columnOf, nameOf } from "../catalog/catalog.ts";
import type { Joined } from "../catalog/references.ts";
import type { Logins } from "../find/find-logins.ts";
import type { PersonColumn } from "../find/find-people.ts";
import {
  type Draft,
  doubt,
  lookupIn,
  personSql,
  type Shown,
  shownPerson,
  shownTime,
  unwatched,
  watchSql,
} from "./draft.ts";
import { aliasBeside, at, eventId, identifier, joinSql, qualified, soundTime } from "./sql-text.ts";

export function draftLogins(draft: Draft, { table, person, through, time, success }: Logins): void {
  const alias = table.name;
  const beside = aliasBeside(alias, "account", "of_account");
  const user = through ? ofAccount(draft, beside, person, through) : shownPerson(draft, table, alias, person);
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
          id: table.primaryKey[0] ?? (through?.by ?? person.column).name,
          user: user.watched,
          created: created.watched,
          lookup: user.lookup,
          others: success ? [success.name] : [],
        })
      : unwatched(
          draft,
          table,
          through
            ? `${nameOf(through.table)}, by which it names people, has no uuid of auth.users that recsys.watch could look up`
            : "its person or time is no column that a trigger could read",
        ),
    "",
  );
}

/** Whose account it is. It is followed where the row of the account has the uuid itself: one look-up finds no second one. */
function ofAccount(draft: Draft, alias: string, person: PersonColumn, { table, key, by }: Joined): Shown {
  const keyColumn = columnOf(table, key);
  const lookup = person.holds === "user id" && keyColumn && lookupIn(table, keyColumn, person.column, by);
  return {
    sql: personSql(draft, alias, person),
    ...(lookup ? { watched: by.name, lookup } : { watched: undefined }),
    note: "",
  };
}
