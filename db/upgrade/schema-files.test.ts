/** supabase/schemas/order.txt says in which order the files of the schema run. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../trainer/testing.ts";
import { readSchemas } from "./schema-files.ts";

test("files run in the order of the list, each once", async (t) => {
  const folder = await temporaryFolder(t);
  const schemas = join(folder, "supabase/schemas");
  await mkdir(join(schemas, "life"), { recursive: true });
  await writeFile(join(schemas, "life/birth.sql"), "select 1;\n");
  await writeFile(join(schemas, "life/age.sql"), "select 2;\n");
  const read = async (lines: string[]) => {
    await writeFile(join(schemas, "order.txt"), lines.map((line) => `${line}\n`).join(""));
    return readSchemas(folder);
  };
  assert.equal(
    await read(["# a comment", "life/birth.sql", "", "life/age.sql"]),
    "-- life/birth.sql\n\nselect 1;\n\n\n-- life/age.sql\n\nselect 2;\n",
  );
  for (const [lines, fault] of [
    [["life/birth.sql"], "does not list life/age.sql."],
    [["life/birth.sql", "life/age.sql", "life/end.sql"], "lists life/end.sql, which does not exist."],
    [["life/birth.sql", "life/age.sql", "life/birth.sql"], "lists life/birth.sql twice."],
  ] as const)
    await assert.rejects(read([...lines]), { message: `supabase/schemas/order.txt ${fault}` });
});
