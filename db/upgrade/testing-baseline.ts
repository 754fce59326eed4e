import { globSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeUnreleased } from "./compose.ts";
import { checksums } from "./schema-files.ts";

/** Makes of a copy of the code one of which nothing is released: its migration is what its supabase/schemas say now. */
export async function writeBaseline(copy: string): Promise<void> {
  rmSync(join(copy, checksums), { force: true });
  for (const file of globSync("supabase/migrations/*_recsys_*.sql", { cwd: copy })) rmSync(join(copy, file));
  // with nothing released no database is asked
  const migration = await composeUnreleased({ after: () => {} }, copy);
  if (migration)
    writeFileSync(join(copy, `supabase/migrations/${migration.version}_${migration.name}.sql`), migration.sql);
}
