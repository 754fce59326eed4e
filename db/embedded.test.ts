import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pickCases } from "../testing/courses.ts";
import { temporaryFolder } from "../trainer/testing.ts";
import { openDatabase } from "./connect.ts";
import { isAlive, readOwner } from "./embedded-owner.ts";
import { childrenOf } from "./testing-cluster.ts";
import { eventually } from "./testing-eventually.ts";

test("a folder is opened, shared, closed and opened again", async (t) => {
  const folder = await temporaryFolder(t);
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

  await t.test("an entry whose process number is now another program's does not lock the folder", async () => {
    writeFileSync(join(folder, "owner.json"), JSON.stringify({ pid: process.pid, port: 1 }));
    const database = await openDatabase({ folder });
    assert.equal((await database.pool.query("select from kept")).rowCount, 1);
    await database.close();
  });
});

const program = `
  const { openEmbeddedCopy } = await import(${JSON.stringify(new URL("./testing-embedded.ts", import.meta.url).href)});
  const { pool } = await openEmbeddedCopy();
  await pool.query("select 1");
  pool.query("select count(*) from generate_series(1, 1000000000) as n").catch(() => process.exit());
  setTimeout(() => console.log("under way"), 500);`;

for (const { name, end } of pickCases([
  { name: "its parent is killed", end: (parent: number) => process.kill(parent, "SIGKILL") },
  { name: "it gets SIGTERM", end: (_: number, server: number) => process.kill(server, "SIGTERM") },
]))
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
  const folder = await temporaryFolder(t);
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
