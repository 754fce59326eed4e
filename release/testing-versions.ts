import { cp, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Migration, readMigrations } from "../db/migration-files.ts";
import type { Scope } from "../db/testing.ts";
import { composeUnreleased } from "../db/upgrade/compose.ts";
import { checkout, checksumOf, checksums, handWritten, readChecksums } from "../db/upgrade/schema-files.ts";
import { writeBaseline } from "../db/upgrade/testing-baseline.ts";
import { temporaryFolder } from "../trainer/testing.ts";

/** For tests: a copy of the schema in which what it is today is released as 1.0.0, and made-up versions follow. */
export async function madeUpReleases(scope: Scope) {
  const copy = await temporaryFolder(scope);
  for (const part of ["supabase/schemas", "supabase/migrations"])
    await cp(join(checkout, part), join(copy, part), { recursive: true });
  await mkdir(join(copy, "db/releases"), { recursive: true });
  await writeBaseline(copy);
  await release("20261125000000", "1_0_0");

  /** Freezes what is unreleased. */
  async function release(version: string, name: string): Promise<void> {
    const file = `supabase/migrations/${version}_recsys_${name}.sql`;
    await rename(join(copy, `supabase/migrations/${version}_recsys_unreleased.sql`), join(copy, file));
    const sums = readChecksums(copy).set(file, checksumOf(await readFile(join(copy, file), "utf8")));
    await writeFile(join(copy, checksums), Array.from(sums, ([path, sum]) => `${sum}  ${path}\n`).join(""));
  }

  return {
    copy,
    migrations: (): Promise<Migration[]> => readMigrations(pathToFileURL(join(copy, "supabase/migrations/"))),
    unreleased: () => composeUnreleased(scope, copy),
    /** Changes a file of the schema. Throws where `from` is not there once. */
    async change(file: string, from: string | RegExp, to: string): Promise<void> {
      const path = join(copy, "supabase/schemas", file);
      const before = await readFile(path, "utf8");
      if (before.split(from).length !== 2) throw new Error(`${file} has ${from} not once`);
      await writeFile(
        path,
        before.replace(from, () => to),
      );
    },
    async writeByHand(sql: string): Promise<void> {
      await writeFile(join(copy, handWritten), sql);
    },
  };
}

export type MadeUp = Awaited<ReturnType<typeof madeUpReleases>>;

/** What 1.1.0 has: a column, with a view that shows it; a function with another signature, which others call; one less; an index. */
export async function makeUp110({ change, writeByHand }: MadeUp): Promise<void> {
  const settings = "settings/engine_schema.sql";
  await change(
    settings,
    "check (impressions_kept > interval '0')\n);",
    "check (impressions_kept > interval '0'),\n  least_share real not null default 0 check (least_share between 0 and 1)\n);\ncomment on column recsys.settings.least_share is 'The least share of the best post''s score.';",
  );
  await change(settings, "drawn_share, draw_temperature\nfrom", "drawn_share, draw_temperature, least_share\nfrom");
  const sources = "retrieval/sources.sql";
  await change(
    sources,
    "max_per_author(p_size integer, p_extent text) returns integer\nlanguage sql immutable\nreturn p_size / 10 *",
    "max_per_author(p_size integer, p_extent text, p_parts integer default 10) returns integer\nlanguage sql immutable\nreturn p_size / p_parts *",
  );
  await change(sources, "max_per_author(integer, text) is", "max_per_author(integer, text, integer) is");
  const similar = "answers/similar.sql";
  await change(
    similar,
    /create function recsys_engine\.similar_users[\s\S]*?comment on function recsys_engine\.similar_users.*\n/,
    "",
  );
  await change(similar, ", recsys_engine.similar_users(uuid, integer) from public", " from public");
  await change(similar, ", recsys_engine.similar_users(uuid, integer) to service_role", " to service_role");
  const index = "create index post_stats_votes_idx on recsys_engine.post_stats (votes);\n";
  await change(
    "feature_store/feature_store.sql",
    "comment on table recsys_engine.post_stats is",
    `${index}comment on table recsys_engine.post_stats is`,
  );
  // the index first: it takes the longest, and no feed waits for it
  await writeByHand(
    `${index}alter table recsys.settings add column least_share real not null default 0 check (least_share between 0 and 1);\n`,
  );
}
