import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Migration, readMigrations } from "../migration-files.ts";
import type { Scope } from "../testing.ts";
import { catalogOf } from "./catalog.ts";
import { readChecksums, readHandWritten, readSchemas, releaseOf, root } from "./schema-files.ts";
import { scratchDatabase } from "./scratch.ts";
import { composeUpgrade } from "./upgrade.ts";

/** What is not released yet, as a migration that comes after all others; undefined: nothing. */
export async function composeUnreleased(scope: Scope, folder = root): Promise<Migration | undefined> {
  const released = [...readChecksums(folder).keys()].map((file) => basename(file));
  const baseline = {
    version: firstVersion,
    name: "recsys_unreleased",
    sql: `${header("the whole schema")}${readSchemas(folder)}`,
  };
  if (released.length === 0) return baseline;

  const all = await readMigrations(pathToFileURL(`${join(folder, "supabase/migrations")}/`));
  const earlier = all.filter(({ name }) => name !== "recsys_unreleased");
  const ofApp = earlier.filter(({ version, name }) => !released.includes(`${version}_${name}.sql`));
  const fresh = await scratchDatabase(scope, [baseline, ...ofApp]);
  const old = await scratchDatabase(scope, earlier);
  const wanted = await catalogOf(fresh);
  const client = await old.pool.connect();
  try {
    await client.query("begin");
    const sql = await composeUpgrade(client, wanted, readHandWritten(folder));
    if (sql === "") return undefined;
    const version = String(BigInt(earlier.at(-1)?.version ?? firstVersion) + 1n);
    const from = releaseOf(released.at(-1) ?? "");
    return { version, name: "recsys_unreleased", sql: `${header(`from ${from} on`)}${lockTimeout}${sql}` };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** Before the example app's: an app's own migrations may use the schema, and it uses none of theirs. */
const firstVersion = "20261125000000";

/** What waits for a long transaction keeps every feed waiting behind it: rather fail and be pushed again. */
const lockTimeout = "set local lock_timeout = '5s';\n\n";

const header = (what: string) =>
  `-- The recommender, ${what}. Written by \`npm run migrations\` from supabase/schemas and supabase/upgrade.sql: change those.\n\n`;
