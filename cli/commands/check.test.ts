/** `recsys check`, and what it keeps `train` and `publish` from. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { decodeJwt } from "jose";
import { testDatabase } from "../../db/testing.ts";
import { clear, fillCommunity, people } from "../../testing/community.ts";
import { handMadeModel } from "../../testing/gate.ts";
import { writeModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { recsys as run } from "../testing.ts";

const { pool, url } = await testDatabase({ after }, "check_command");
const folder = await mkdtemp(join(tmpdir(), "recsys-check-"));
after(() => rm(folder, { recursive: true }));
const recsys = (...args: string[]) => run([...args, "--database", url], folder);

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

test("the example app's own tables are well", async () => {
  const { status, stdout, stderr } = await recsys("check");
  assert.deepEqual([status, stdout], [0, "all is well\n"]);
  // the conditions of the app's own queries are beyond check
  assert.match(stderr, /^whether feeds keep to what the app itself shows: npx --no-install recsys compare .*\n$/);
});

test("what stops is a line, the exit code, and no training or model", async (t) => {
  await pool.query("alter view recsys.source_posts reset (security_invoker)");
  t.after(() => pool.query("alter view recsys.source_posts set (security_invoker = true)"));
  const checked = await recsys("check");
  assert.deepEqual([checked.status, checked.stderr], [1, ""]);
  assert.match(
    checked.stdout,
    /^PROBLEM {2}recsys\.source_posts is not security_invoker: .*\. What to do: alter view recsys\.source_posts set \(security_invoker = true\) {2}-- [^\n]*\n$/,
  );
  const { rows } = await pool.query("select community_id from recsys.settings");
  const community: string = rows[0].community_id;
  await writeModelFolder(join(folder, "model"), await handMadeModel({ name: "made", community }));
  for (const command of [["train"], ["publish", join(folder, "model")]]) {
    const { status, stdout, stderr } = await recsys(...command);
    assert.equal(status, 1);
    assert.match(stdout, /^PROBLEM {2}recsys\.source_posts is not security_invoker/);
    assert.equal(
      stderr,
      "recsys: nothing was done: mend the problem above first (`npx --no-install recsys check` shows what is left)\n",
    );
  }
  assert.equal((await pool.query("select from recsys.models")).rowCount, 0);
});

test("token prints a user's token and nothing else on standard output", async () => {
  const { status, stdout, stderr } = await recsys("token", people.ada, "--port", "54399");
  assert.equal(status, 0, stderr);
  const { sub, iss, role, aud, exp } = decodeJwt(stdout.trim());
  assert.deepEqual(
    [sub, iss, role, aud],
    [people.ada, "http://localhost:54399/auth/v1", "authenticated", "authenticated"],
  );
  assert.ok(Math.abs(Number(exp) - Date.now() / 1000 - 3600) < 60);
  assert.match(stderr, /createClient\("http:\/\/localhost:54399", "sb_publishable_local"/);
  const nobody = await recsys("token", "nobody");
  assert.deepEqual([nobody.status, nobody.stdout], [1, ""]);
  assert.match(nobody.stderr, /^recsys: there is no user nobody/);
});
