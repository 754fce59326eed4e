/** recsys_engine.source_memberships over the tables that say where people belong. It decides about nothing, and makes feeds cheaper. */
import { at, identifier, literal, qualified } from "../catalog/quote.ts";
import type { MemberTable } from "../find/find-memberships.ts";
import type { Draft } from "./draft.ts";
import { shownPerson } from "./shown-person.ts";
import { conditionSql } from "./sql-text.ts";

export function draftMemberships(draft: Draft, members: MemberTable[]): void {
  if (members.length === 0) return;
  const selects = members.map((each) => selectOf(draft, each));
  draft.lines.push("-- Where people belong, whose members may read about the same posts.");
  draft.view("recsys_engine.source_memberships", "belonging", ["user_id", "scope"], selects);
}

function selectOf(draft: Draft, { table, person, group, conditions, doubts }: MemberTable): string {
  const alias = table.name;
  draft.read.add(table);
  const where = conditions.map((condition) => conditionSql(alias, condition));
  draft.uses.push({ table, as: "where people belong", where, person });
  const user = shownPerson(draft, table, alias, person);
  const why = draft.doubt(
    table,
    `taken for where people belong, by ${group.name}: leave it out where people may write its rows themselves, since others would look in the wrong places`,
  );
  return [
    // groups of two kinds may have the same number
    `  select ${user.sql} as user_id, left(${literal(`${group.name} `)} || ${at(alias, group)}::text, 100) as scope from ${qualified(table)} as ${identifier(alias)}${[why, ...doubts.map((doubt) => draft.doubt(table, doubt)), user.note].join("")}`,
    ...(user.join ? [`  ${user.join}`] : []),
    `  where ${[`${user.sql} is not null`, `${at(alias, group)} is not null`, ...where].join(" and ")}`,
  ].join("\n");
}
