import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Migration, readMigrations } from "../migration-files.ts";
import type { Scope } from "../testing.ts";
import { catalogOf, readCatalog } from "./catalog.ts";
import { brokenPromises } from "./promises.ts";
import { checkout, readChecksums, readHandWritten, readSchemas, releaseOf } from "./schema-files.ts";
import { scratchDatabase } from "./scratch.ts";
import { composeUpgrade } from "./upgrade.ts";

/** What is not released yet, as a migration that comes after all others; undefined: nothing. */
export async function composeUnreleased(scope: Scope, folder = checkout): Promise<Migration | undefined> {
  return (await compareWithRelease(scope, folder)).migration;
}

/** The same, with the promises that it breaks, which only a major version may. */
export async function compareWithRelease(
  scope: Scope,
  folder = checkout,
): Promise<{ migration: Migration | undefined; broken: string[] }> {
  const released = [...readChecksums(folder).keys()].filter(releaseOf).map((file) => basename(file));
  const baseline = {
    version: firstVersion,
    name: "recsys_unreleased",
    sql: `${header("the whole schema")}${readSchemas(folder)}`,
  };
  if (released.length === 0) return { migration: baseline, broken: [] };

  const all = await readMigrations(pathToFileURL(`${join(folder, "supabase/migrations")}/`));
  const earlier = all.filter(({ version, name }) => released.includes(`${version}_${name}.sql`));
  // without the example app, whose views would hide that a source view changed
  const fresh = await scratchDatabase(scope, [baseline]);
  const old = await scratchDatabase(scope, earlier);
  const wanted = await catalogOf(fresh);
  const client = await old.pool.connect();
  try {
    await client.query("begin");
    const broken = brokenPromises(await readCatalog(client), wanted);
    const sql = await composeUpgrade(client, wanted, readHandWritten(folder));
    if (sql === "") return { migration: undefined, broken };
    const last = all.filter(({ name }) => name !== "recsys_unreleased").at(-1);
    const version = String(BigInt(last?.version ?? firstVersion) + 1n);
    const from = releaseOf(released.at(-1) ?? "");
    const migration = { version, name: "recsys_unreleased", sql: `${header(`from ${from} on`)}${preamble}${sql}` };
    return { migration, broken };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** Before the example app's: an app's own migrations may use the schema, and it uses none of theirs. */
const firstVersion = "20261125000000";

/**
 * Whatever waits for a long transaction keeps every feed waiting behind it: after a second rather fail, and be pushed again. And pgvector is loaded:
 * before that only a superuser may name its settings in a function.
 */
const preamble = "set local lock_timeout = '1s';\ndo $$ begin perform '[1]'::extensions.vector; end $$;\n\n";

const header = (what: string) =>
  `-- The recommender, ${what}. Written by \`npm run types\` from supabase/schemas and supabase/upgrade.sql: change those.\n\n`;
