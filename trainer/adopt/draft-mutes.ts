/** recsys.source_mutes over the tables that say what somebody does not want to see. */
import { nameOf } from "./catalog.ts";
import { type Draft, doubt, shownPerson } from "./draft.ts";
import type { Mutes } from "./find-mutes.ts";
import { createdOf } from "./pick-columns.ts";
import { at, identifier, qualified } from "./sql-text.ts";

export function draftMutes(draft: Draft, mutes: Mutes[]): void {
  const parts = mutes.map(({ table, person, whom }) => {
    const alias = table.name;
    draft.read.add(table);
    const user = shownPerson(draft, table, alias, person);
    const other = shownPerson(draft, table, alias, whom);
    const made = createdOf(table);
    const since = made?.column.kind === "timestamptz" ? at(alias, made.column) : "null::timestamptz";
    const why = doubt(
      draft,
      nameOf(table),
      `taken for whom somebody does not want to see: ${person.column.name} blocks ${whom.column.name}`,
    );
    return [
      `  select ${user.sql} as user_id, 'person' as kind, ${other.sql}::text as value, ${since} as created_at from ${qualified(table)} as ${identifier(alias)}${why}${user.note}${other.note}`,
      `  where ${user.sql} is not null and ${other.sql} is not null`,
    ].join("\n");
  });
  draft.lines.push(
    "-- Whom people do not want to see.",
    "create or replace view recsys.source_mutes with (security_invoker = true) as",
    "select muted.user_id, muted.kind, muted.value, muted.created_at from (",
    parts.join("\n  union all\n"),
    ") as muted;",
    "",
  );
}
