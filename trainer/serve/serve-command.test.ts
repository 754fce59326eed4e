/** `recsys serve` as a process: how it ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { testDatabase } from "../../db/testing.ts";

const { url } = await testDatabase({ after }, "serve");
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));

/** Starts it on any free port, and waits until it says where it serves. */
async function serving(t: TestContext): Promise<{ child: ChildProcess; address: string; said: string[] }> {
  const child = spawn(process.execPath, [cli, "serve", "--database", url, "--port", "0"]);
  t.after(() => child.kill("SIGKILL"));
  const said: string[] = [];
  createInterface(child.stderr).on("line", (line) => said.push(line));
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/localhost:\d+/.exec(line)?.[0];
    if (address) return { child, address, said };
  }
  throw new Error(`it does not serve: ${said.join("\n")}`);
}

async function answers(address: string): Promise<boolean> {
  return await fetch(`${address}/health`).then(
    (response) => response.ok,
    () => false,
  );
}

async function isGone(address: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!(await answers(address))) return true;
    await new Promise((later) => setTimeout(later, 20));
  }
  return false;
}

test("Ctrl-C ends it and the functions, with status 0", async (t) => {
  const { child, address, said } = await serving(t);
  assert.ok(await answers(address));
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(await isGone(address));
  assert.deepEqual(said, []);
});

test("killed at once, it leaves no functions behind", async (t) => {
  const { child, address } = await serving(t);
  child.kill("SIGKILL");
  assert.ok(await isGone(address));
});
