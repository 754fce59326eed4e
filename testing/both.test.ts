/** The runner with --both: what a PostgreSQL makes another test runs twice, and the second totals are those of a machine without one. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withoutPostgres } from "../db/testing.ts";

const noPostgres = await withoutPostgres();

const runner = fileURLToPath(new URL("./test.ts", import.meta.url));
const [pure, stored] = ["testing/versions.test.ts", "db/locks.test.ts"];

async function run(...args: string[]): Promise<string[]> {
  const env = { ...process.env };
  // a runner within a test would run nothing, and this one may be within another --both
  for (const name of ["NODE_TEST_CONTEXT", "EMBEDDED_LATER"]) delete env[name];
  const { stdout } = await promisify(execFile)(process.execPath, [runner, ...args, pure, stored], { env });
  return stdout.trim().split("\n");
}

test("what asks for the PostgreSQL runs there and as without one, all else once", {
  skip: noPostgres,
}, async () => {
  const lines = await run("--both");
  const second = lines.findIndex((line) => /^No PostgreSQL: .* 1 of 2 files\.$/.test(line));
  const of = (part: string[], file: string) => part.find((line) => line.startsWith(`✔ ${file}: `)) ?? "";
  const [before, after] = [lines.slice(0, second), lines.slice(second)];
  assert.match(of(before, pure), /: \d+ passed \(/);
  assert.match(of(before, stored), /: \d+ passed \(/);
  assert.equal(of(after, pure), "");
  assert.match(of(after, stored), /: \d+ passed, \d+ skipped \(/);
  const totals = lines.filter((line) => /^\d+ passed, 0 failed, \d+ skipped$/.test(line));
  assert.equal(totals.length, 2);
  assert.match(totals[0], / 0 skipped$/);
  process.env.TEST_DATABASE_URL = "embedded";
  assert.equal((await run()).at(-1), totals[1]);
});
