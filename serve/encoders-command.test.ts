/** `recsys worker` and `recsys serve` with a folder of encoders, as processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { testDatabase } from "../db/testing.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { installStandIn, writeTinyEncoder } from "./testing-encoder.ts";

const { pool, ...database } = await testDatabase({ after }, "encoders_command");
const folder = mkdtempSync(join(tmpdir(), "encoders-"));
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  writeTinyEncoder(folder, "tiny");
  installStandIn(folder);
  await embeddedCommunity({ ...database, pool });
  await pool.query("update recsys.settings set text_encoder = 'tiny'");
});

const cli = fileURLToPath(new URL("../cli/cli.ts", import.meta.url));
function start(args: string[], encoders?: string) {
  const { RECSYS_ENCODERS: _, ...env } = process.env;
  const child = spawn(process.execPath, [cli, ...args, "--database", database.url], {
    cwd: folder,
    env: encoders === undefined ? env : { ...env, RECSYS_ENCODERS: encoders },
  });
  const said = { out: "", error: "" };
  child.stdout.on("data", (text) => (said.out += text));
  child.stderr.on("data", (text) => (said.error += text));
  return { child, said };
}
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isTrue()); await setTimeout(50))
    assert.ok(Date.now() < end, "it takes more than a minute");
}
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const missing = async () => {
  const { rows } = await pool.query(
    "select count(*)::int from public.posts where id not in (select post_id from recsys_engine.raw_vectors where encoder = 'tiny')",
  );
  return rows[0].count;
};

test("a worker makes all vectors, and its encoder ends with it, by Ctrl-C or killed", async (t) => {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    await pool.query("delete from recsys_engine.raw_vectors");
    await pool.query("update recsys.settings set text_encoder = null");
    await pool.query("update recsys.settings set text_encoder = 'tiny'");
    assert.ok((await missing()) > 20);
    const { child, said } = signal === "SIGINT" ? start(["worker", "--encoders", "."]) : start(["worker"], folder);
    t.after(() => child.kill("SIGKILL"));
    await until(async () => (await missing()) === 0);
    const pid = Number(readFileSync(join(folder, "tiny", "pid"), "utf8"));
    assert.ok(isAlive(pid));
    child.kill(signal);
    const [status] = await once(child, "exit");
    assert.deepEqual([status, said.error], [signal === "SIGINT" ? 0 : null, ""]);
    await until(() => !isAlive(pid));
  }
});

test("a folder that is none is refused in a line, and an empty variable is none", async (t) => {
  for (const [command, encoders] of [
    ["worker", "nowhere"],
    ["serve", "tiny/config.json"],
  ]) {
    const { child, said } = start([command, ...(command === "serve" ? ["--port", "0"] : [])], encoders);
    const [status] = await once(child, "exit");
    assert.equal(status, 1);
    assert.equal(
      said.error,
      `recsys: there is no folder ${encoders}: --encoders names one that has a folder for each model\n`,
    );
  }
  await pool.query("insert into recsys_engine.encoding_jobs select id from public.posts limit 1");
  const { child, said } = start(["worker"], "");
  t.after(() => child.kill("SIGKILL"));
  await until(() => said.error !== "");
  assert.equal(
    said.error,
    "embedding failed and will be retried: this host has no encoder tiny: posts are embedded by their words alone until a worker that is given its folder (RECSYS_ENCODERS) does it\n",
  );
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
