import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "./connect.ts";
import { isAlive, readOwner } from "./embedded-owner.ts";
import { childrenOf } from "./testing-cluster.ts";

async function newFolder(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-embedded-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`${what}: not within 15 s`);
}

test("a folder is opened, shared, closed, killed and opened again", async (t) => {
  const folder = await newFolder(t);
  const first = await openDatabase({ folder });
  await first.pool.query("create table kept (n integer)");

  await t.test("a second opener joins the first, and keeps the server when that one closes", async () => {
    const second = await openDatabase({ folder });
    assert.equal(second.url, first.url);
    await first.close();
    await second.pool.query("insert into kept values (1)");
    await second.close();
    await eventually("the server ends", async () => (await readOwner(folder)) === undefined);
  });

  await t.test("a server that gets SIGTERM in the middle of a statement ends, and loses what was not committed alone", async () => {
    const database = await openDatabase({ folder });
    await database.pool.query("insert into kept values (2)");
    const running = database.pool.query("insert into kept select n from generate_series(3, 5000000) as n");
    const killed = assert.rejects(running);
    await new Promise((done) => setTimeout(done, 300));
    process.kill((await readOwner(folder))?.pid as number, "SIGTERM");
    await killed;
    await database.close();
    assert.ok(await readOwner(folder), "the dead server left its entry behind");

    const again = await openDatabase({ folder });
    assert.deepEqual((await again.pool.query("select n from kept order by n")).rows, [{ n: 1 }, { n: 2 }]);
    await again.close();
    assert.equal(await readOwner(folder), undefined);
  });

  await t.test("the server ends when the process that started it is killed", async () => {
    const program = `
      const { openDatabase } = await import(${JSON.stringify(new URL("./connect.ts", import.meta.url).href)});
      const database = await openDatabase({ folder: ${JSON.stringify(folder)} });
      await database.pool.query("insert into kept values (3)");
      console.log("open");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((done) => child.stdout.once("data", () => done()));
    child.kill("SIGKILL");
    await eventually("the server ends", async () => (await readOwner(folder)) === undefined);
    const again = await openDatabase({ folder });
    assert.deepEqual((await again.pool.query("select max(n) from kept")).rows, [{ max: 3 }]);
    await again.close();
  });

  await t.test("an entry whose process number is now another program's does not lock the folder", async () => {
    writeFileSync(join(folder, "owner.json"), JSON.stringify({ pid: process.pid, port: 1 }));
    const database = await openDatabase({ folder });
    assert.equal((await database.pool.query("select from kept")).rowCount, 3);
    await database.close();
  });
});

const program = `
  const { openEmbeddedCopy } = await import(${JSON.stringify(new URL("./testing-embedded.ts", import.meta.url).href)});
  const { pool } = await openEmbeddedCopy();
  await pool.query("select 1");
  pool.query("select count(*) from generate_series(1, 1000000000) as n").catch(() => process.exit());
  setTimeout(() => console.log("under way"), 500);`;

for (const { name, end } of [
  { name: "its parent is killed", end: (parent: number) => process.kill(parent, "SIGKILL") },
  { name: "it gets SIGTERM", end: (_: number, server: number) => process.kill(server, "SIGTERM") },
])
  test(`a database in memory ends in the middle of a statement when ${name}`, async (t) => {
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => void parent.kill("SIGKILL"));
    await once(parent.stdout, "data");
    const [server] = await childrenOf(parent.pid as number);
    t.after(() => void (isAlive(server) && process.kill(server, "SIGKILL")));
    assert.ok(isAlive(server));
    end(parent.pid as number, server);
    await eventually("the server ends", async () => !isAlive(server));
  });

test("folders that cannot be used give one line with the cure", async (t) => {
  const folder = await newFolder(t);
  const data = join(folder, "data");
  mkdirSync(data);
  writeFileSync(join(data, "PG_VERSION"), "12\n");
  await assert.rejects(openDatabase({ folder }), {
    name: "UserError",
    message: /^The embedded database in .* does not start: .* Move the folder away to begin from scratch\.$/,
  });
  assert.ok(!existsSync(join(folder, "owner.json")));
  await assert.rejects(openDatabase({ folder: "/dev/null/nowhere" }), {
    name: "UserError",
    message: /^Cannot create the folder \/dev\/null\/nowhere for the embedded database: /,
  });
});
