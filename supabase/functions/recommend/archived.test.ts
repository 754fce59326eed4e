/** A community whose last event is long ago: the engine's clock is set back to it, and people go on from there. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { testDatabase } from "../../../db/testing.ts";
import { writeSyntheticCommunity } from "../../../trainer/data/synthetic/write-synthetic-community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "archived");

test("a vote cast now is stamped with the community's clock, and changes the next feed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 5, users: 40, posts: 80, days: 20 });
  await importBundle({ pool }, folder);
  await rm(folder, { recursive: true });
  const { rows } = await pool.query(
    "select user_id, now() - recsys.clock() > '7 days' as archived from recsys.source_users limit 1",
  );
  assert.ok(rows[0].archived);
  const app = testApp(t, url);
  const { user_id } = rows[0];
  const before = await app.call(user_id, { limit: 5 });
  const [{ post_id }] = before.body.items;
  assert.ok(before.body.items[0].score > 0.1, "the newest post is hours old, not months");

  // as PostgREST would: the user's own role, no created_at
  const client = await pool.connect();
  await client.query("begin; set local role authenticated");
  await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify({ sub: user_id })]);
  await client.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [user_id, post_id]);
  await client.query("commit");
  client.release();

  const { body } = await app.call(user_id, { limit: 100 });
  assert.ok(!body.items.some((item) => item.post_id === post_id));
});
