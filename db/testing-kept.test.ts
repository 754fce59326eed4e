/** What a file leaves in an embedded database is gone for the next one in its process. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const urlOf = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** Runs these statements, those of a file each, in databases as files open them one after another; says whether the next file had the same one. */
async function leave(files: string[][]): Promise<boolean[]> {
  const program = `
    const { openEmbeddedCopy } = await import(${urlOf("./testing-embedded.ts")});
    const { endKept, keepForNextFile } = await import(${urlOf("./testing-kept.ts")});
    const urls = [];
    const found = [];
    for (const statements of ${JSON.stringify([...files, []])}) {
      await keepForNextFile();
      const database = await openEmbeddedCopy();
      urls.push(database.url);
      found.push((await database.pool.query(\`select
        (select json_agg(s) from recsys.settings s) as settings,
        (select json_agg(k) from recsys.kinds k) as kinds,
        (select count(*) from auth.users) as users,
        (select count(*) from pg_statistic where starelid >= 16384) as statistics,
        (select count(*) from pg_roles where rolname = 'left_behind') as roles,
        (select tgenabled from pg_trigger where tgname = 'queue_everything') as trigger,
        to_regclass('public.left_behind') as relation,
        (select last_value from pg_sequences where sequencename = 'models_model_id_seq') as last,
        current_setting('search_path') as path\`)).rows[0]);
      for (const statement of statements) await database.pool.query(statement);
      await database.close();
    }
    await endKept();
    console.log(JSON.stringify({ urls, found }));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  const { urls, found } = JSON.parse(stdout);
  for (const after of found) assert.deepEqual(after, found[0]);
  return files.map((_, i) => urls[i] === urls[i + 1]);
}

test("rows, sequences, statistics and settings of a session are as in the dump", async () => {
  const same = await leave([
    [
      "insert into auth.users (id) select gen_random_uuid() from generate_series(1, 100)",
      "delete from recsys.settings",
      "insert into recsys.kinds (kind, weight) values ('left_behind', 1)",
      "select nextval('recsys.models_model_id_seq') from generate_series(1, 5)",
      "analyze auth.users",
      "set search_path = nowhere",
    ],
  ]);
  assert.deepEqual(same, [true]);
});

test("another database takes the place of one where more than rows has changed", async () => {
  const changes = [
    "create table public.left_behind ()",
    "create role left_behind",
    "alter database postgres set search_path = nowhere",
    "alter table recsys.kinds disable trigger queue_everything",
  ];
  assert.deepEqual(
    await leave(changes.map((change) => [change])),
    changes.map(() => false),
  );
});
