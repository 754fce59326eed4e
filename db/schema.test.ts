import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { generateTypes } from "./generate-types.ts";
import { testDatabase } from "./testing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the generated types fit the migrations", async () => {
  const program = fileURLToPath(new URL("./generate-types.ts", import.meta.url));
  // rejects, with what it printed, on another status than 0
  await promisify(execFile)(process.execPath, [program, "--verify"]);
});

test("what asks for a renamed column, or gives a renamed argument, does not compile", async (t) => {
  const database = await testDatabase({ after: (clean) => t.after(clean) }, "renamed");
  const copy = await mkdtemp(join(tmpdir(), "recsys-renamed-"));
  t.after(() => rm(copy, { recursive: true }));
  for (const part of ["db", "trainer", "testing", "serve", "supabase/functions", "tsconfig.json", "package.json"])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const asking = ["trainer/release/gate/compare.ts", "trainer/training/queue/training-queue.ts"];
  const config = { extends: "./tsconfig.json", files: [...asking, "trainer/topics/are-stale.ts"], include: [] };
  await writeFile(join(copy, "some.json"), JSON.stringify(config));
  const compile = () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "--project", "some.json"], { cwd: copy, encoding: "utf8" });
    return stdout;
  };
  assert.equal(compile(), "", "as they are, they compile");

  await database.pool.query(`
    alter table recsys.settings rename column gate_margin to gate_leeway;
    drop function recsys_engine.heartbeat_training_request(bigint, interval, text);
    create function recsys_engine.heartbeat_training_request(p_claim bigint, p_lease interval, p_doing text) returns boolean
      language sql as 'select true'`);
  await writeFile(join(copy, "supabase/functions/_shared/database/schema.ts"), await generateTypes(database));
  const errors = compile();
  assert.deepEqual([...new Set(errors.match(/^[\w/.-]+\.ts(?=\()/gm))].sort(), asking);
  assert.match(errors, /"gate_margin"/);
  assert.match(errors, /'p_step' does not exist/);
});
