/** recsys.source_logins over the table that says when people came back. */
import { columnOf, nameOf } from "../catalog/catalog.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import type { Joined } from "../catalog/references.ts";
import type { Logins, PersonColumn } from "../find/find-people.ts";
import { type Draft, shownTime, watchSql } from "./draft.ts";
import { lookupIn, type ShownPerson, shownPerson } from "./shown-person.ts";
import { eventId, joinedAlias, joinSql, personUuidSql, soundTime } from "./sql-text.ts";

export function draftLogins(draft: Draft, { table, person, through, time, success }: Logins): void {
  const alias = table.name;
  const account = joinedAlias(alias, "account", "of_account");
  const who = joinedAlias(alias, "who", "whom");
  const user = through
    ? ofAccount(draft, account, person, through, who)
    : shownPerson(draft, table, alias, person, who);
  const created = shownTime(draft, table, alias, time);
  draft.uses.push({
    table,
    as: "logins",
    where: success ? [`${at(alias, success)} is true`] : [],
    ...(through ? {} : { person }),
  });
  if (through)
    draft.uses.push({ table: through.table, as: `whose the logins of ${nameOf(table)} are`, where: [], person });
  const why = `${draft.doubt(table, "taken for the times when people came back")}${user.note}${created.note}`;
  draft.lines.push(
    "-- When people came back.",
    "create or replace view recsys.source_logins with (security_invoker = true) as",
    `select ${eventId(1, table, alias, [through?.by ?? person.column, time.column])} as login_id, ${user.sql} as user_id, ${created.sql} as created_at`,
    `from ${qualified(table)} as ${identifier(alias)}${why}`,
    ...(through ? [joinSql(alias, account, through)] : []),
    ...(user.join ? [user.join] : []),
    `where ${user.sql} is not null and ${soundTime(created.sql)}${success ? ` and ${at(alias, success)} is true` : ""};`,
    watchSql(
      draft,
      table,
      "logins",
      {
        id: table.primaryKey[0] ?? (through?.by ?? person.column).name,
        user: user.watched,
        created: created.watched,
        lookup: user.lookup,
        others: success ? [success.name] : [],
      },
      through
        ? `${nameOf(through.table)}, by which it names people, has no uuid of auth.users that recsys.watch could look up`
        : "its person or time is no column that a trigger could read",
    ),
    "",
  );
}

/** Whose account it is. It is followed where the row of the account has the uuid itself: one look-up finds no second one. */
function ofAccount(
  draft: Draft,
  alias: string,
  person: PersonColumn,
  { table, key, by }: Joined,
  as: string,
): ShownPerson {
  // such a person gets no feed, so nothing has to find them
  if (person.holds === "derived key")
    return { sql: personUuidSql(at(alias, person.column), person.column), watched: undefined, note: "" };
  const keyColumn = columnOf(table, key);
  const user = shownPerson(draft, table, alias, person, as);
  const lookup = user.watched && !user.lookup && keyColumn ? lookupIn(table, keyColumn, user.watched, by) : undefined;
  return { ...user, watched: lookup && by.name, lookup };
}
