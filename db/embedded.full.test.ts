/** Embedded databases in a folder whose server or program is killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { temporaryFolder } from "../trainer/testing.ts";
import { openDatabase } from "./connect.ts";
import { readOwner } from "./embedded-owner.ts";
import { eventually } from "./testing-eventually.ts";

test("a folder is killed and opened again", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await openDatabase({ folder });
  await first.pool.query("create table kept (n integer); insert into kept values (1)");
  await first.close();

  await t.test(
    "a server that gets SIGTERM in the middle of a statement ends, and loses what was not committed alone",
    async () => {
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
    },
  );

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
});
