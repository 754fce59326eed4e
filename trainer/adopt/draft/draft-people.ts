/** recsys.source_users over the table of people. */
import { nameOf } from "../catalog/catalog.ts";
import { bodyOf, createdOf, livingConditions, pick } from "../catalog/pick-columns.ts";
import { columns } from "../catalog/words.ts";
import type { Roles } from "../find/find-roles.ts";
import { type Draft, doubt, shownTime, unwatched, watchSql } from "./draft.ts";
import { draftAccounts, namesAccounts } from "./draft-accounts.ts";
import { personId } from "./shown-person.ts";
import { at, conditionSql, identifier, listSql, qualified, soundTime, textSql } from "./sql-text.ts";

export function draftPeople(draft: Draft, roles: Roles): void {
  const { people } = roles;
  if (namesAccounts(roles)) {
    draftAccounts(draft);
    return;
  }
  if (!people) {
    doubt(
      draft,
      "people",
      "no table of people was found, and none that names people by their uuid of auth.users: say in recsys.source_users who they are",
    );
    draft.lines.push(
      "-- People: no table of them was found, nor who wrote or did anything. Until recsys.source_users shows them, nobody is recommended anything.",
      "",
    );
    return;
  }
  const { table, key, userId, sure } = people;
  const alias = table.name;
  draft.read.add(table);
  const id = personId(draft, people, alias);
  const standsIn = userId && id.watched === "recsys_user_id" && !userId.notNull;
  const idDoubt = userId
    ? sure
      ? standsIn
        ? doubt(
            draft,
            nameOf(table),
            `whoever has no ${userId.name} is known by an id made of ${key.name}: they can be muted and followed, and what they did counts, but they ask for no feed`,
          )
        : ""
      : doubt(
          draft,
          nameOf(table),
          `${userId.name} is taken for the uuid of auth.users, which user_id has to be; no foreign key or policy says so`,
        )
    : doubt(
        draft,
        nameOf(table),
        `user_id has to be the uuid of auth.users, and no column is; made of ${key.name} here, which is nobody's auth.uid()`,
      );
  const bio = pick(table, columns.bio, ["text"]) ?? (bodyOf(table)?.sure ? bodyOf(table)?.column : undefined);
  const interests = pick(table, columns.interests, ["texts"]);
  const created = createdOf(table);
  const time = created && shownTime(draft, table, alias, created);
  const timeDoubt = time
    ? time.note
    : doubt(draft, nameOf(table), "nothing says when somebody signed up; 2000 stands in");
  const conditions = livingConditions(table).filter(({ test }) => test !== "true");
  const since = created
    ? created.column.notNull
      ? time?.sql
      : `coalesce(${time?.sql}, '2000-01-01 00:00Z')`
    : "timestamptz '2000-01-01 00:00Z'";
  draft.lines.push(
    "create or replace view recsys.source_users with (security_invoker = true) as",
    "select",
    `  ${id.sql} as user_id,${idDoubt}`,
    "  null::text as external_id,",
    `  ${interests ? listSql(at(alias, interests), interests) : "null::text[]"} as passions,`,
    "  null::text[] as projects,",
    `  ${bio ? textSql(at(alias, bio), bio, 50000) : "''::text"} as bio,`,
    `  ${since} as created_at${timeDoubt}`,
    `from ${qualified(table)} as ${identifier(alias)}`,
    `where ${[`${id.sql} is not null`, ...conditions.map((condition) => conditionSql(alias, condition)), ...(created ? [soundTime(since as string)] : [])].join("\n  and ")};`,
    id.watched
      ? watchSql(table, "users", {
          id: id.watched,
          texts: [interests, bio].flatMap((column) => column?.name ?? []),
          others: conditions.map(({ column }) => column.name),
        })
      : unwatched(draft, table, "its key is worked out by the table itself"),
    "",
  );
}
