/** Test files share an embedded database: it is put back as it was migrated, or refused where a file changed its schema. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillCommunity, publishTinyModel } from "../testing/community.ts";
import { pickCases } from "../testing/courses.ts";
import { openEmbeddedCopy } from "./testing-embedded.ts";
import { readInitialState, resetDatabase } from "./testing-reset.ts";

test("rows, models, settings and sequences are those of the migrations again", async (t) => {
  const { pool, close } = await openEmbeddedCopy();
  t.after(close);
  const initial = await readInitialState(pool);
  await fillCommunity(pool);
  const id = await publishTinyModel(pool, { name: "tiny" });
  await pool.query("delete from recsys.kinds; set lock_timeout = 1");
  assert.ok(await resetDatabase(pool, initial));
  const { bytes, ...state } = await readInitialState(pool);
  assert.deepEqual({ ...state, bytes: initial.bytes }, initial);
  assert.equal((await pool.query("show lock_timeout")).rows[0].lock_timeout, "0");
  await fillCommunity(pool);
  assert.equal(await publishTinyModel(pool, { name: "tiny" }), id);
});

const changes = [
  "create table public.notes ()",
  "alter table public.posts add column note text",
  "alter table public.posts alter column title set default ''",
  "revoke select on public.posts from authenticated",
  "alter table public.posts disable row level security",
  "create policy more on public.posts for select to anon using (true)",
  "create function public.one() returns integer language sql return 1",
  "alter function recsys.clock() volatile",
  "create or replace view recsys.source_logins as select * from (select * from recsys.source_logins where false) as none",
  "alter table public.posts disable trigger all",
  "create index on public.posts (title)",
  "create schema notes",
  "create role another",
  "grant authenticated to service_role",
  "alter database postgres set jit = off",
  "analyze public.posts",
  "insert into public.profiles (id, bio) select gen_random_uuid(), repeat('bio ', 250) from generate_series(1, 6000)",
];

for (const change of pickCases(changes))
  test(`refused: ${change}`, async (t) => {
    const { pool, close } = await openEmbeddedCopy();
    t.after(close);
    const initial = await readInitialState(pool);
    if (change.startsWith("analyze")) await fillCommunity(pool);
    await pool.query(change);
    assert.equal(await resetDatabase(pool, initial), false);
  });
