/**
 * Part of `npm run types`: writes _shared/database/schema.ts and _shared/features/sources.ts from a freshly migrated database. With --verify it only
 * says whether that is needed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "./connect.ts";
import { functionTypes } from "./function-types.ts";
import { testDatabase } from "./testing.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** TypeScript for all that the database has: tables and views by kysely-codegen, and the functions of both schemas. */
export async function generateTypes({ pool, url }: Database): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "recsys-types-"));
  // bigint and interval as pool.ts reads them; vectors are strings by default. Every name has its schema
  const flags = {
    dialect: "postgres",
    url,
    "out-file": join(folder, "schema.ts"),
    "default-schema": "none",
    "include-pattern": "(public|recsys|recsys_engine).*",
    "type-mapping": JSON.stringify({ bytea: "Uint8Array", int8: "number", interval: "string" }),
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const codegen = path("../node_modules/kysely-codegen/dist/cli/bin.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [codegen, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stdout + stderr);
  const tables = readFileSync(flags["out-file"], "utf8");
  rmSync(folder, { recursive: true });
  return `${withoutNulls(tables, await viewsOf(pool))}\n${await functionTypes(pool)}`;
}

/** Postgres does not know which columns of a view are never null: the caller handles null, as with functions. */
function withoutNulls(types: string, views: Set<string>): string {
  const interfaceOf = new Map(
    [...types.matchAll(/^ {2}"?([\w.]+)"?: (\w+);$/gm)].map(([, table, name]) => [name, table]),
  );
  return types.replace(/^export interface (\w+) \{$.*?^\}$/gms, (text, name) =>
    views.has(interfaceOf.get(name) ?? "") ? text.replaceAll(" | null;", ";") : text,
  );
}

async function viewsOf(pool: Database["pool"]): Promise<Set<string>> {
  const { rows } = await pool.query(
    "select schemaname || '.' || viewname as name from pg_views where schemaname in ('public', 'recsys', 'recsys_engine')",
  );
  return new Set(rows.map(({ name }) => name));
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The sources of retrieval as TypeScript: the rows of recsys_engine.sources. */
export async function generateSources(pool: Database["pool"]): Promise<string> {
  const { rows } = await pool.query("select * from recsys_engine.sources order by input");
  const lineOf = (row: Record<string, unknown>) => {
    const { name, finds, size, fetch_limit, max_per_author, is_global, prepends_new_posts, reason_priority } = row;
    const limits = `size: ${size}, fetchLimit: ${fetch_limit}, maxPerAuthor: ${max_per_author}`;
    const flags = `isGlobal: ${is_global}, prependsNewPosts: ${prepends_new_posts}, isRankerFeature: ${row.is_ranker_feature}`;
    return `  /** ${capitalized(String(finds))}. */\n  ${name}: { ${limits}, ${flags}, reasonPriority: ${reason_priority} },`;
  };
  const [sources, parts] = [rows.filter(({ input }) => input !== null), rows.filter(({ input }) => input === null)];
  return `// Written by \`npm run types\` from recsys_engine.sources (supabase/schemas/retrieval/sources.sql), whose comments say what each field means.

/** The sources in the order of the ranker's inputs. */
export const sources = {
${sources.map(lineOf).join("\n")}
} as const;

/** Lists that take turns in a source. */
export const partialSources = {
${parts.map(lineOf).join("\n")}
} as const;
`;
}

if (import.meta.main) {
  const cleanings: (() => Promise<void>)[] = [];
  const database = await testDatabase({ after: (clean) => void cleanings.push(clean) }, "types");
  const generated = {
    "_shared/database/schema.ts": await generateTypes(database),
    "_shared/features/sources.ts": await generateSources(database.pool),
  };
  for (const clean of cleanings) await clean();

  for (const [name, text] of Object.entries(generated)) {
    const file = path(`../supabase/functions/${name}`);
    if (!process.argv.includes("--verify")) {
      writeFileSync(file, text);
      console.log(`Wrote ${name}.`);
    } else if (readFileSync(file, "utf8") === text) console.log(`${name} fits the migrations.`);
    else {
      console.error(`${name} does not fit the migrations. Run: npm run types`);
      process.exitCode = 1;
    }
  }
}
