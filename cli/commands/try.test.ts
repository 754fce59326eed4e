/** What stops `recsys try` before its training, copied into a PostgreSQL instead of an embedded database: a line says why and how to go on. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { draftDatabase } from "../../adopt/draft/draft-views.ts";
import { appDatabases } from "../../adopt/testing.ts";
import { replayApp } from "../../adopt/try/replay-app.ts";
import { connect } from "../../db/connect.ts";
import { withoutPostgres } from "../../db/testing.ts";
import { temporaryFolder } from "../../trainer/testing.ts";
import { defaultConfig } from "../../trainer/training/config/config.ts";
import { recsys } from "../testing.ts";
import { appWithRows } from "../testing-whole-app.ts";
import { type AppToRead, appToRead, stateOf } from "./testing-try.ts";

const skip = await withoutPostgres();
const folder = await temporaryFolder({ after });
const { app, url, role } = skip ? ({} as AppToRead) : await appToRead({ after });
const newDatabase = skip ? undefined : await appDatabases({ after });

/** Drafts and replays, as the command does. */
async function replay(url: string, order?: string): Promise<void> {
  const database = await (newDatabase as NonNullable<typeof newDatabase>)("tried");
  const reader = await connect(url, { embedded: false });
  try {
    const context = { database, onProgress: () => {}, signal: new AbortController().signal };
    await replayApp(context, reader.pool, await draftDatabase(reader.pool), { seed: 1, config: defaultConfig, order });
  } finally {
    await reader.close();
  }
}

test("a role that may only read gets as far as an order that cannot be read, and nothing is written in the app's database", {
  skip,
}, async () => {
  const before = await stateOf(app.pool);
  await assert.rejects(replay(url, "missing"), {
    name: "UserError",
    message: 'the app\'s own order cannot be read: column "missing" does not exist. Correct --order',
  });
  assert.deepEqual(await stateOf(app.pool), before);
});

test("the database refuses an order that writes, for a superuser too", { skip }, async () => {
  await app.pool.query(
    "create function public.counted(id int) returns int language sql as $$ update public.post set locked = true where post.id = $1 returning 1 $$",
  );
  const before = await stateOf(app.pool);
  await assert.rejects(replay(app.url, "counted(id)"), {
    name: "UserError",
    message: "the app's own order cannot be read: cannot execute UPDATE in a read-only transaction. Correct --order",
  });
  assert.deepEqual(await stateOf(app.pool), before);
});

test("each obstacle is one line with its cure", { skip }, async () => {
  const full = join(folder, "full");
  await mkdir(full);
  await writeFile(join(full, "notes.txt"), "");
  const failing = async (database: string, into: string) => {
    const { status, stderr } = await recsys(["try", "--database", database, "--into", into]);
    assert.equal(status, 1, stderr);
    return /^recsys: .*$/m.exec(stderr)?.[0] ?? stderr;
  };
  assert.match(await failing(url, full), /--into .*full holds notes\.txt already: name another folder/);
  const free = join(folder, "free");
  assert.match(
    await failing("postgres://postgres@127.0.0.1:1/app", free),
    /Nothing listens at 127\.0\.0\.1:1\/app\. Start the database/,
  );
  const todos = await appWithRows({ after }, "todos", { people: 8, posts: 8, deeds: 8 });
  assert.match(await failing(todos.url, free), /no table of posts was found.*only its author may read it/);
  assert.ok(!(await readdir(folder)).includes("free"));
  const young = await appWithRows({ after }, "links", { people: 3, posts: 2, deeds: 5 });
  await assert.rejects(replay(young.url), {
    name: "UserError",
    message: /^too little history to say anything: \d+ interactions .* \d+ first visits .* where 50 are needed/,
  });
  await app.pool.query(`revoke select on public.post from ${role}`);
  await assert.rejects(replay(url), {
    name: "UserError",
    message: /permission denied for table post: `grant select \(id, name, .*\) on public\.post`/,
  });
  await app.pool.query(`grant select on public.post to ${role}; alter role ${role} nobypassrls`);
  await assert.rejects(replay(url), {
    name: "UserError",
    message:
      /row level security hides rows of .*public\.post.* from the role recsys_try_\d+: name one that reads all rows/,
  });
});
