// Runs the pgTAP stories next to this file; `pg_prove -d DATABASE supabase/tests/*.sql` does too, where it is installed.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { QueryResult } from "pg";
import { onBoth } from "../../db/testing.ts";

const stories = globSync(fileURLToPath(new URL("./*.sql", import.meta.url))).sort();
assert.ok(stories.length > 0);

onBoth("pgTAP stories", async (t, { pool }) => {
  const { rowCount } = await pool.query("select from pg_available_extensions where name = 'pgtap'");
  if (rowCount === 0) return t.skip("needs pgtap: npm run setup:postgres");
  await pool.query("create extension pgtap with schema extensions");
  for (const story of stories) {
    await t.test(basename(story), async (t) => {
      // many statements in one string: many results, which the types of pg do not say
      const results = (await pool.query(readFileSync(story, "utf8"))) as unknown as QueryResult<
        Record<string, unknown>
      >[];
      const lines = results.flatMap(({ rows }) =>
        rows.flatMap((row) => String(Object.values(row)[0] ?? "").split("\n")),
      );
      const planned = Number(lines.find((line) => /^1\.\.\d+$/.test(line))?.slice(3));
      const outcomes = lines.flatMap((line, i) => {
        const [, not, name] = /^(not )?ok \d+ - (.*)/.exec(line) ?? [];
        if (name === undefined) return [];
        // what follows a failure explains it
        const rest = lines.slice(i + 1);
        const end = rest.findIndex((other) => !other.startsWith("#"));
        return [{ name, failure: not ? rest.slice(0, end < 0 ? undefined : end).join("\n") : undefined }];
      });
      for (const { name, failure } of outcomes) {
        await t.test(name, () => assert.ok(failure === undefined, failure));
      }
      assert.equal(outcomes.length, planned, "the story has as many tests as it planned");
    });
  }
});
