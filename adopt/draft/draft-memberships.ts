/** recsys.source_memberships and recsys.source_post_scopes over the tables that say where people and posts belong. They decide about nothing, and make feeds cheaper. */
import type { Column } from "../catalog/catalog.ts";
import { at, identifier, literal, qualified } from "../catalog/quote.ts";
import type { MemberTable } from "../find/find-memberships.ts";
import type { PostTable } from "../find/find-roles.ts";
import type { Draft } from "./draft.ts";
import { shownKey } from "./post-ids.ts";
import { shownPerson } from "./shown-person.ts";
import { conditionSql } from "./sql-text.ts";

export function draftMemberships(draft: Draft, members: MemberTable[], contents: PostTable[]): void {
  if (members.length === 0) return;
  const isFirst = (each: MemberTable, place: number) =>
    place === members.findIndex(({ table, group }) => table === each.table && group === each.group);
  const selects = members.filter(isFirst).map((each) => selectOf(draft, each));
  draft.lines.push("-- Where people belong, whose members may read about the same posts; and where posts do.");
  draft.view("recsys.source_memberships", "belonging", ["user_id", "scope"], selects);
  const scopes = contents.flatMap(({ table, key }) => {
    const of = members.filter((member) => member.of === table);
    const each = new Set(of.map(({ group, ofPosts }) => scopeSql(group, at(table.name, ofPosts))));
    const scope = each.size === 1 ? [...each][0] : `coalesce(${[...each].join(", ")})`;
    return each.size === 0
      ? []
      : [
          `  select ${shownKey(draft, table, key).sql} as post_id, ${scope} as scope from ${qualified(table)} as ${identifier(table.name)}`,
        ];
  });
  draft.view("recsys.source_post_scopes", "belonging", ["post_id", "scope"], scopes);
}

/** Groups of two kinds may have the same number. */
const scopeSql = (group: Column, column: string) => `left(${literal(`${group.name} `)} || ${column}::text, 100)`;

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
    `  select ${user.sql} as user_id, ${scopeSql(group, at(alias, group))} as scope from ${qualified(table)} as ${identifier(alias)}${[why, ...doubts.map((doubt) => draft.doubt(table, doubt)), user.note].join("")}`,
    ...(user.join ? [`  ${user.join}`] : []),
    `  where ${[`${user.sql} is not null`, `${at(alias, group)} is not null`, ...where].join(" and ")}`,
  ].join("\n");
}
