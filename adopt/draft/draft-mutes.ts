/** recsys.source_mutes over the tables that say what a user does not want to see. */
import { nameOf, type Table } from "../catalog/catalog.ts";
import { createdOf, pickColumn, type TimeColumn } from "../catalog/pick-columns.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import type { MuteTable } from "../find/find-mutes.ts";
import type { Roles } from "../find/find-roles.ts";
import { type Draft, timeDoubts } from "./draft.ts";
import { shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, joinSql, stringSql, timeSql } from "./sql-text.ts";

export function draftMutes(draft: Draft, { mutes, unclear }: Roles["muted"]): void {
  draft.leaveOut(unclear);
  if (mutes.length === 0) return;
  const selects = mutes.map((each) => selectOf(draft, each));
  draft.lines.push("-- What people do not want to see.");
  draft.view("recsys.source_mutes", "muted", ["user_id", "kind", "value", "created_at"], selects);
}

const mutedThings = {
  person: "people whom somebody mutes",
  topic: "tags that somebody mutes",
  contains: "muted texts",
};

/** No column tells how an app matches a keyword, so the draft takes the strictest way. */
const whereItStands =
  ". contains hides a post that has the text anywhere in title or description: write title_contains if the app searches titles only, and word if it matches whole words of titles and tags";

function selectOf(draft: Draft, { table, person, through, what, moment }: MuteTable): string {
  const alias = table.name;
  const owner = joinedAlias(alias, "filter", "of_filter");
  const named = joinedAlias(alias, "named", "of_named");
  const of = what.kind === "person" ? undefined : what.of;
  for (const read of [table, through?.table, of?.table]) if (read) draft.read.add(read);
  const who = joinedAlias(alias, "who", "whom");
  const holds = moment ? [conditionSql(alias, { column: moment, test: "present" })] : [];
  draft.uses.push({
    table,
    as: mutedThings[what.kind],
    where: [...holds, ...lasting(table, alias).map((line) => line.replace(/^ *and /, ""))],
    ...(through ? {} : { person }),
  });
  if (through)
    draft.uses.push({
      table: through.table,
      as: `whose the ${what.kind}s of ${nameOf(table)} are`,
      where: lasting(through.table, through.table.name).map((line) => line.replace(/^ *and /, "")),
      person,
    });
  const user = shownPerson(draft, through?.table ?? table, through ? owner : alias, person, who);
  const blocked = joinedAlias(alias, "blocked", "of_blocked");
  const whom = what.kind === "person" ? shownPerson(draft, table, alias, what.whom, blocked) : undefined;
  const value =
    what.kind === "person"
      ? `${whom?.sql}::text`
      : `left(${stringSql(at(of ? named : alias, what.text), what.text)}, 100)`;
  const made: TimeColumn | undefined = moment ? { column: moment } : createdOf(table);
  // another time, such as that of its end, says nothing of when it was created
  const since = made && !made.doubt && /^timestamp/.test(made.column.kind) ? made.column : undefined;
  const sinceDoubt = since?.kind === "timestamp" ? draft.doubtColumn(table, since, timeDoubts.timestamp as string) : "";
  const from = moment ? `, where it has ${moment.name}` : "";
  const why = draft.doubt(
    table,
    what.kind === "person"
      ? `taken for whom somebody does not want to see: ${person.column.name} blocks ${what.whom.column.name}${from}`
      : `taken for muted ${what.kind === "topic" ? "tags" : "texts"}: ${of ? `${nameOf(of.table)}.` : ""}${what.text.name}${from}${what.kind === "contains" ? whereItStands : ""}`,
  );
  return [
    `  select ${user.sql} as user_id, '${what.kind}' as kind, ${value} as value, ${since ? timeSql(at(alias, since), since) : "null::timestamptz"} as created_at from ${qualified(table)} as ${identifier(alias)}${why}${user.note}${whom?.note ?? ""}${sinceDoubt}`,
    ...(through ? [`  ${joinSql(alias, owner, through)}`] : []),
    ...(of ? [`  ${joinSql(alias, named, of)}`] : []),
    ...[user, whom].flatMap((person) => (person?.join ? [`  ${person.join}`] : [])),
    `  where ${user.sql} is not null and ${whom ? `${whom.sql} is not null` : `${value} ~ '\\S'`}`,
    ...holds.map((condition) => `  and ${condition}`),
    ...lasting(table, alias),
    ...(through ? lasting(through.table, owner) : []),
  ].join("\n");
}

/** Some end by themselves. */
function lasting(table: Table, alias: string): string[] {
  const end = pickColumn(
    table,
    ["expires_at", "expire_at", "expires", "muted_until", "until"],
    ["timestamptz", "timestamp"],
  );
  return end ? [`  and (${at(alias, end)} is null or ${timeSql(at(alias, end), end)} > now())`] : [];
}
