/** A first version of the policies of posts, as comments: where row level security is off, the app's backend alone knows who reads what. */
import type { Table } from "../catalog/catalog.ts";
import { doubtedFlags } from "../catalog/pick-columns.ts";
import { qualified } from "../catalog/quote.ts";
import { conditionSql } from "./sql-text.ts";

/** `conditions`: of the rows that are there to be seen. Nothing of it runs until somebody takes the comment signs away. */
export function policiesSql(table: Table, key: string, conditions: string[]): string[] {
  if (table.rowSecurity) return [];
  const name = qualified(table);
  const policy = [
    `alter table ${name} enable row level security;`,
    `create policy "posts that are there to be seen" on ${name} for select to authenticated, anon using (`,
    `  ${conditions.length > 0 ? conditions.join("\n  and ") : "true"}`,
    ...doubtedFlags(table).map(({ condition }) => `  -- unsure: and ${conditionSql(table.name, condition)}`),
    ");",
  ];
  const listing = `select ${key} from ${name}${conditions.length > 0 ? ` where ${conditions.join(" and ")}` : ""}`;
  const compare = `npx --no-install recsys compare --database "$URL" --as USER --sql '${listing.replaceAll("'", `'"'"'`)}'`;
  return [
    `-- A first version of policies for the posts, since row level security is off: what columns say. Complete it with who belongs where, whom an author blocked,`,
    "-- and who may see what is private. Policies hold for everything that members and visitors read in this table, and for what they write there they need more:",
    "-- so all of it is a comment, for you to decide.",
    ...[
      ...policy,
      "Then compare a feed with what the app itself lists for a person; this is the listing to put yours in place of:",
      compare,
    ].flatMap((line) => line.split("\n").map((each) => `-- ${each}`)),
    "",
  ];
}
