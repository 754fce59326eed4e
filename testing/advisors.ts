/**
 * What `supabase db advisors` warns of in a database, one line a finding; the status is 1 when there is one: `node testing/advisors.ts URL`. Left out
 * is the mutable search_path of functions whose body is "begin atomic": the names in it were bound when it was made.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";

interface Finding {
  name: string;
  detail: string;
  metadata: { name: string };
}

/** The findings of level warn or error, as sentences. */
export async function advisorFindings(url: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-advisors-"));
  const client = new pg.Client(url);
  try {
    const supabase = fileURLToPath(new URL("../node_modules/.bin/supabase", import.meta.url));
    const { stdout } = await promisify(execFile)(
      supabase,
      ["db", "advisors", "--db-url", url, "--level", "warn", "--output-format", "json", "--workdir", folder],
      { env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1" }, timeout: 60_000 },
    );
    const findings: Finding[] = JSON.parse(stdout).results;
    await client.connect();
    const { rows } = await client.query("select proname from pg_proc where prosqlbody is not null");
    const bound = new Set(rows.map(({ proname }) => proname));
    return findings
      .filter(({ name, metadata }) => name !== "function_search_path_mutable" || !bound.has(metadata.name))
      .map(({ name, detail }) => `${name}: ${detail}`);
  } finally {
    await client.end();
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const findings = await advisorFindings(process.argv[2]);
  for (const finding of findings) console.error(finding);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
