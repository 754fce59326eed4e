/** `recsys doctor`. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { startGateway } from "../../serve/gateway.ts";
import { schemaVersion } from "../../supabase/functions/_shared/http/schema-version.ts";
import { fillCommunity, publishTinyModel } from "../../testing/community.ts";
import { recsys } from "../testing.ts";

const { pool, url } = await testDatabase({ after }, "doctor_command");
const doctor = (...more: string[]) => recsys(["doctor", "--database", url, ...more]);
const lineOf = (output: string, what: string) =>
  output.split("\n").find((line) => new RegExp(`^(ok|warning|PROBLEM) +${what} `).test(line)) ?? "";

/** A server that answers each request so. */
async function answering(t: { after(clean: () => void): void }, status: number, headers = {}): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, headers).end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("what is well has a line, and what is not its cure", async () => {
  const { status, stdout, stderr } = await doctor();
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(lineOf(stdout, "node"), /^ok {7}node +Node \d+\.\d+\.\d+, recsys \d+\.\d+\.\d+$/);
  assert.match(lineOf(stdout, "postgres"), /^ok .*PostgreSQL 1[78]/);
  assert.match(lineOf(stdout, "vector"), /^ok .* 0\.8/);
  assert.match(lineOf(stdout, "clock"), /^ok .*the database's is the one here$/);
  assert.match(lineOf(stdout, "schema"), /^ok .*recsys \d+\.\d+\.\d+$/);
  assert.match(
    lineOf(stdout, "model"),
    /^warning .*none serves.*What to do: npx --no-install recsys train, then npx --no-install recsys publish$/,
  );
  assert.match(lineOf(stdout, "rights"), /^ok /);
  assert.match(stdout, /\nThe functions were not asked: --functions https:.* asks them\.\n$/);
  assert.doesNotMatch(stdout, /null|undefined|NaN/);
});

test("a model that serves, one of other features, and rights that are missing", async (t) => {
  await fillCommunity(pool);
  const model = await publishTinyModel(pool, { name: "tiny" });
  assert.match(lineOf((await doctor()).stdout, "model"), /^ok .*tiny serves$/);
  const vectors = { basis: "beef", encoder: "letters", dimension: 3 };
  await pool.query("update recsys.models set feature_spec = feature_spec || $2 where model_id = $1", [
    model,
    { vectors },
  ]);
  assert.match(
    lineOf((await doctor()).stdout, "model"),
    /^warning .*tiny serves, without the vectors by letters that it reads: their basis is missing\. What to do: bring back the rows of recsys_engine\.vector_bases; or npx --no-install recsys train, then npx --no-install recsys publish$/,
  );
  await pool.query("update recsys.models set feature_spec_digest = 'another' where model_id = $1", [model]);
  const other = await doctor();
  assert.match(lineOf(other.stdout, "model"), /^PROBLEM .*tiny was trained with other features/);
  assert.equal(other.status, 1);
  await pool.query("revoke select on public.posts from authenticated");
  t.after(() => pool.query("grant select on public.posts to authenticated"));
  assert.match(lineOf((await doctor()).stdout, "rights"), /^PROBLEM .*What to do: grant select/);
});

test("a schema of another version, and none", async () => {
  const { rows } = await pool.query("select pg_get_functiondef('recsys.version()'::regprocedure) as was");
  await pool.query("create or replace function recsys.version() returns text language sql immutable return '0.0.9'");
  const other = await doctor();
  assert.equal(other.status, 1);
  assert.match(
    lineOf(other.stdout, "schema"),
    /^PROBLEM .*recsys 0\.0\.9\. What to do: npx --no-install recsys init --into APP/,
  );
  // a command that would work with it refuses
  const refused = await recsys(["health", "--database", url]);
  assert.deepEqual(
    [refused.status, refused.stderr],
    [
      1,
      `recsys: the database has recsys 0.0.9, and this command is ${schemaVersion}: npx --no-install recsys init --into APP, then npx supabase db push there\n`,
    ],
  );
  assert.equal(lineOf(other.stdout, "rights"), "", "what else there is may have another name there");
  await pool.query("drop function recsys.version()");
  assert.match(lineOf((await doctor()).stdout, "schema"), /^PROBLEM .*recsys of no version\. /);
  assert.match(
    (await recsys(["health", "--database", url])).stderr,
    /^recsys: the database has recsys of no version, and /,
  );
  await pool.query(rows[0].was);
  await pool.query("alter schema recsys rename to hidden");
  const none = await doctor();
  await pool.query("alter schema hidden rename to recsys");
  assert.match(lineOf(none.stdout, "schema"), /^PROBLEM .*there is no schema recsys/);
  assert.deepEqual([none.status, none.stderr], [1, ""]);
});

test("functions of this version, of another, that fail, and of which there are none", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  const gateway = await startGateway({ databaseUrl: url, port: 0, folder, onLog: () => undefined });
  t.after(async () => {
    await gateway.stop();
    await rm(folder, { recursive: true });
  });
  assert.match(lineOf((await doctor("--functions", gateway.url)).stdout, "functions"), /^ok .*recsys \d+\.\d+\.\d+$/);
  for (const [what, address, said] of [
    ["another", await answering(t, 401, { "recsys-version": "0.0.9" }), /recsys 0\.0\.9\. What to do: npx/],
    ["of none", await answering(t, 401), /answers 401 without a version/],
    ["not deployed", await answering(t, 404), /answers 404 without a version/],
    ["nobody", "http://127.0.0.1:1", /does not answer/],
    ["no URL", "nowhere", /does not answer/],
  ] as const) {
    const { status, stdout, stderr } = await doctor("--functions", address);
    assert.match(lineOf(stdout, "functions"), /^PROBLEM /, what);
    assert.match(lineOf(stdout, "functions"), said, what);
    assert.deepEqual([status, stderr], [1, ""], what);
  }
});
