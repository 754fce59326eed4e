/** `recsys check`: what is wrong with the tables and views that the app gives the engine. */

import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { call, type FunctionRow, run } from "../../supabase/functions/_shared/database/database.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

export type CheckRow = FunctionRow<"recsys.check">;

/** Prints recsys.check(), a line each; the exit code is 1 where something stops. */
export async function checkCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const findings = await readFindings(database);
    for (const finding of findings) print(lineOf(finding));
    if (findings.length === 0) {
      print("all is well");
      // check reads rows and rights, not the conditions of the app's own queries
      console.error(
        "whether feeds keep to what the app itself shows: npx --no-install recsys compare --as USER --sql 'select id from …'",
      );
    }
    if (findings.some(({ stops }) => stops)) process.exitCode = 1;
  });
}

/** Before a training or a publish: prints what is found, and throws a `UserError` where something of it stops. */
export async function requireSoundSources(database: Database, print: (line: string) => void): Promise<void> {
  const findings = await readFindings(database);
  for (const finding of findings) print(lineOf(finding));
  const stopping = findings.filter(({ stops }) => stops).length;
  if (stopping > 0)
    throw new UserError(
      `nothing was done: mend the ${stopping === 1 ? "problem" : `${stopping} problems`} above first (\`npx --no-install recsys check\` shows what is left)`,
    );
}

async function readFindings({ pool }: Database): Promise<CheckRow[]> {
  const client = await pool.connect();
  try {
    // it reads every row, and says who may read what by becoming others
    await client.query("begin; set local statement_timeout = 0");
    return await run(client, call("recsys.check", {}));
  } finally {
    await client.query("rollback").catch(() => {});
    client.release();
  }
}

function lineOf({ stops, problem, cure }: CheckRow): string {
  return `${stops ? "PROBLEM" : "warning"}  ${problem}. What to do: ${cure}`;
}
