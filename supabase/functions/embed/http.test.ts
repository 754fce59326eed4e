/** The function `embed` as it is called: by the project, and by pg_cron through pg_net. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import pg from "pg";
import { testDatabase } from "../../../db/testing.ts";
import { withoutCron } from "../../../db/testing-cron.ts";
import { testServer } from "../../../db/testing-postgres.ts";
import { fillVault, makePgNetAndVault, sendQueued } from "../../../db/testing-supabase.ts";
import { startGateway } from "../../../serve/gateway.ts";
import { people, uuid } from "../../../testing/community.ts";
import { embeddedCommunity, vectorOf } from "../../../testing/embed.ts";
import type { Embedded } from "../_shared/embed/embed-batch.ts";
import { secretKey, testFunction } from "../testing.ts";
import { embedFunction } from "./handler.ts";

const noCron = await withoutCron();

const database = await testDatabase({ after }, "embed_http");
const { pool } = database;
let model: number;
before(async () => {
  model = await embeddedCommunity(database);
});
const insertPost = (n: number) =>
  pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'A tower of blocks')", [
    uuid("d", n),
    people.author,
  ]);

test("the project calls it with its secret key, and no user can", async (t) => {
  const app = testFunction<void, Embedded>(t, database.url, embedFunction);
  const call = async (headers: Record<string, string>, method = "POST") => {
    const response = await app.request("/embed", { method, headers });
    const body = await response.json();
    return [response.status, body.error?.code ?? body];
  };
  await insertPost(1);
  assert.deepEqual(await call({}), [401, "key_missing"]);
  assert.deepEqual(await call({ authorization: `Bearer ${people.ada}` }), [401, "key_missing"]);
  assert.deepEqual(await call({ apikey: "sb_publishable_test" }), [401, "key_invalid"]);
  assert.deepEqual(await call({ apikey: secretKey }, "GET"), [405, "method_not_allowed"]);
  assert.equal(await vectorOf(pool, "post", uuid("d", 1), model), undefined);
  assert.deepEqual(await call({ apikey: secretKey }), [200, { completed: 1, failed: 0 }]);
  assert.ok(await vectorOf(pool, "post", uuid("d", 1), model));
  assert.deepEqual(await call({ apikey: secretKey }), [200, { completed: 0, failed: 0 }]);
  assert.deepEqual(app.logged, []);
});

test("a model that cannot be used is the operator's concern, and costs no job an attempt", async (t) => {
  const app = testFunction<void, Embedded>(t, database.url, embedFunction);
  await insertPost(2);
  await pool.query("update recsys.models set feature_spec_digest = 'older'");
  const response = await app.request("/embed", { method: "POST", headers: { apikey: secretKey } });
  assert.deepEqual([response.status, (await response.json()).error.code], [503, "model_incompatible"]);
  const { rows } = await pool.query("select attempts, failures from recsys_engine.embedding_jobs");
  assert.deepEqual(rows, [{ attempts: 0, failures: 0 }]);
});

test("pg_cron calls the function under Deno, by what pg_net queues, only when there is something to do", {
  skip: noCron,
}, async (t) => {
  const { pool, url, ...rest } = await testDatabase(t, "embed_cron");
  const model = await embeddedCommunity({ pool, url, ...rest });
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  t.after(() => rm(folder, { recursive: true }));
  const lines: string[] = [];
  const gateway = await startGateway({ databaseUrl: url, port: 0, folder, onLog: (line) => lines.push(line) });
  t.after(() => gateway.stop());
  await makePgNetAndVault(pool);
  const callEmbed = async () => (await pool.query("select recsys_engine.call_embed() as id")).rows[0].id;
  assert.equal(await callEmbed(), null, "an empty queue is no call, whatever the Vault holds");
  await pool.query("insert into public.posts (id, title) values ($1, 'A tower of blocks')", [uuid("d", 1)]);
  await assert.rejects(callEmbed(), { message: /the Vault does not say where/, hint: /vault.create_secret/ });
  await fillVault(pool, gateway);

  const cron = new pg.Client({ connectionString: (await testServer()) as string });
  await cron.connect();
  const name = new URL(url).pathname.slice(1);
  await cron.query("select cron.schedule_in_database($1, '1 seconds', 'select recsys_engine.call_embed()', $1)", [
    name,
  ]);
  t.after(async () => {
    await cron.query("select cron.unschedule($1)", [name]);
    await cron.end();
  });
  const statuses: (number | null)[] = [];
  const send = async () => {
    statuses.push(...(await Promise.all(await sendQueued(pool))));
  };
  for (let tries = 0; tries < 100 && !(await vectorOf(pool, "post", uuid("d", 1), model)); tries++) {
    await send();
    await new Promise((later) => setTimeout(later, 200));
  }
  assert.ok(await vectorOf(pool, "post", uuid("d", 1), model));
  assert.ok(statuses.every((status) => status === 200) && statuses.length > 0, `${statuses}: ${lines.join("\n")}`);
  // a call that was queued before the first one had claimed the job
  await new Promise((later) => setTimeout(later, 1_100));
  await send();
  const sent = statuses.length;
  await new Promise((later) => setTimeout(later, 2_500));
  await send();
  assert.equal(statuses.length, sent, "no call while nothing waits");
});
