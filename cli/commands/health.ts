/** `recsys health`: what is out of bounds, and what to do about it. */
import { call, type FunctionRow, run } from "../../supabase/functions/_shared/database/database.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

export type HealthRow = FunctionRow<"recsys.health">;

/** Prints recsys.health(), what is out of bounds first, each with its cure; the exit code is 1 where anything is. */
export async function healthCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const rows = await run(database.pool, call("recsys.health", {}));
    const out = rows.filter(({ ok }) => !ok);
    for (const { what, value, bound, state, cure } of out)
      print(`OUT OF BOUNDS  ${what} is ${value}, and should be ${bound}\n  ${state}\n  What to do: ${cure}\n`);
    const wide = (column: "what" | "value" | "bound") => Math.max(...rows.map((row) => row[column].length));
    const [what, value, bound] = [wide("what"), wide("value"), wide("bound")];
    for (const row of rows.filter(({ ok }) => ok))
      print(`ok  ${row.what.padEnd(what)}  ${row.value.padStart(value)}  ${row.bound.padEnd(bound)}  ${row.state}`);
    print(
      out.length === 0
        ? "\nAll is within its bounds."
        : `\n${out.length} of ${rows.length} are out of bounds. Bounds and their reasons: select * from recsys.health_bounds`,
    );
    if (out.length > 0) process.exitCode = 1;
  });
}
