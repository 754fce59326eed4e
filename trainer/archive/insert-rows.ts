/** Rows of an archived day into recsys.impressions again. */
import { sql } from "kysely";
import type pg from "pg";
import { execute } from "../../supabase/functions/_shared/database/database.ts";
import { type ColumnValues, db, unnest } from "../../supabase/functions/_shared/database/query.ts";
import type { DayRow } from "./day-file.ts";
import { type ImpressionColumn, impressionColumns } from "./impression-row.ts";

/**
 * Inserts some columns of rows, without those of users and posts that are no longer there and of who wants no personalisation; gives how many it
 * inserted. A row that is there already stays as it is.
 */
export async function insertArchivedRows(
  client: Pick<pg.PoolClient, "query">,
  table: string,
  columns: readonly ImpressionColumn[],
  group: readonly DayRow[],
): Promise<number> {
  const lists = Object.fromEntries(
    columns.map((name): [string, ColumnValues] => {
      const type = impressionColumns[name];
      return [name, [type === "jsonb" ? "text" : type, group.map((row) => parameterOf(row[name], type))]];
    }),
  );
  const listed = columns.map((name) =>
    impressionColumns[name] === "jsonb" ? sql`${sql.ref(name)}::jsonb` : sql.ref(name),
  );
  const { sql: text, parameters } =
    sql`insert into ${sql.raw(table)} (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join(listed)} from ${unnest(lists)} as listed
      where exists (select from recsys.source_users where source_users.user_id = listed.user_id)
        and exists (select from recsys.source_posts where source_posts.post_id = listed.post_id)
        and not exists (select from recsys_engine.personalization_opt_outs where personalization_opt_outs.user_id = listed.user_id)
      on conflict do nothing`.compile(db);
  return await execute(client, { text, values: [...parameters] });
}

function parameterOf(value: unknown, type: (typeof impressionColumns)[ImpressionColumn]): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "uuid":
      return Buffer.from(value as Uint8Array).toString("hex");
    case "timestamptz":
      return instantText(value as bigint);
    case "bigint":
      return `${value}`;
    case "real[]":
      return `{${(value as (number | null | undefined)[]).map((real) => (real === undefined || real === null ? "NULL" : realText(real))).join()}}`;
    case "real":
      return realText(value as number);
    default:
      return value;
  }
}

/** Without it -0 would lose its sign. */
const realText = (real: number) => (Object.is(real, -0) ? "-0" : `${real}`);

const infinite: Record<string, string> = {
  // the largest and the smallest of 64 bits count from 2000, and here from 1970
  [`${BigInt.asIntN(64, 2n ** 63n - 1n + 946_684_800_000_000n)}`]: "infinity",
  [`${BigInt.asIntN(64, -(2n ** 63n) + 946_684_800_000_000n)}`]: "-infinity",
};

/** An instant as PostgreSQL reads it, to the microsecond; from microseconds since 1970. */
function instantText(micros: bigint): string {
  const named = infinite[`${micros}`];
  if (named) return named;
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((micros - rest) / 1000n));
  const year = date.getUTCFullYear();
  // after the year 294246 64 bits are full, and a Date ends in 275760: no reader sees a post then
  if (Number.isNaN(year)) return "infinity";
  const digits = `${year > 0 ? year : 1 - year}`.padStart(4, "0");
  return `${digits}${date.toISOString().slice(-20, -5)}.${`${rest}`.padStart(6, "0")}Z${year > 0 ? "" : " BC"}`;
}
