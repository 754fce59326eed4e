/** A first version of the policies of posts, as comments: without row level security only the app's backend decides who reads which post. */
import type { Table } from "../catalog/catalog.ts";
import { doubtedFlags } from "../catalog/pick-columns.ts";
import { qualified } from "../catalog/quote.ts";
import { conditionSql } from "./sql-text.ts";

/** `conditions`: SQL that holds for visible rows. The lines are comments, so nothing runs until a developer uncomments them. */
export function policiesSql(table: Table, key: string, conditions: string[]): string[] {
  if (table.rowSecurity) return [];
  const name = qualified(table);
  const policy = [
    `alter table ${name} enable row level security;`,
    `create policy "members and visitors read visible posts" on ${name} for select to authenticated, anon using (`,
    `  ${conditions.length > 0 ? conditions.join("\n  and ") : "true"}`,
    ...doubtedFlags(table).map(({ condition }) => `  -- unsure: and ${conditionSql(table.name, condition)}`),
    ");",
  ];
  const listing = `select ${key} from ${name}${conditions.length > 0 ? ` where ${conditions.join(" and ")}` : ""}`;
  const compare = `npx --no-install recsys compare --database "$URL" --as USER --sql '${listing.replaceAll("'", `'"'"'`)}'`;
  return [
    `-- Row level security is off for the posts. This is a first version of their policies, from the columns of the table. Add memberships, blocks,`,
    "-- and the readers of private posts. Policies hold for every query of members and visitors on this table, and their writes need policies of their own:",
    "-- so the decision is yours, and all lines are comments.",
    ...[
      ...policy,
      "Then compare a feed with the app's own listing for a person. Replace this query with it:",
      compare,
    ].flatMap((line) => line.split("\n").map((each) => `-- ${each}`)),
    "",
  ];
}
