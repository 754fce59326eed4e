/** Transactions under the caller's role: who the database thinks is asking, and that nothing of it stays behind. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post } from "../../../testing/community.ts";
import { run } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs, visitor, writeAs } from "../_shared/database/run-as-caller.ts";
import type { Claims } from "../_shared/http/auth.ts";

const { pool: owner, url } = await testDatabase({ after }, "caller");
// one connection, so that every transaction follows another one on it
const pool = openPool(url, () => undefined, { max: 1 });
after(() => pool.end());
before(() => fillCommunity(owner));

const ada: Claims = { sub: people.ada, role: "authenticated", app_metadata: { team: 'o\'red \\ "blue"' } };
const whoAmI = {
  text: "select current_user::text as role, auth.uid()::text as sub, current_setting('request.jwt.claims', true) as claims",
  values: [],
};
type Who = { role: string; sub: string | null; claims: string | null };

test("the database sees the caller, with every claim of the token", async () => {
  const [who] = await readAs<Who, Who[]>(pool, ada, whoAmI, async (_, rows) => rows);
  assert.deepEqual([who.role, who.sub], ["authenticated", people.ada]);
  assert.deepEqual(JSON.parse(who.claims ?? ""), ada);
});

test("a visitor is nobody in particular", async () => {
  const [who] = await readAs<Who, Who[]>(pool, visitor, whoAmI, async (_, rows) => rows);
  assert.deepEqual(who, { role: "anon", sub: null, claims: '{"role":"anon"}' });
});

test("nothing of a caller stays on the connection, whether it went well or not", async () => {
  const failing = readAs(pool, ada, whoAmI, async () => {
    throw new Error("in the middle");
  });
  await assert.rejects(failing, { message: "in the middle" });
  await assert.rejects(
    readAs(pool, ada, { text: "select 1 / 0", values: [] }, async () => 0),
    { code: "22012" },
  );
  const connection = await pool.connect();
  const [who] = await run<Who>(connection, whoAmI);
  connection.release();
  assert.deepEqual([who.role, who.claims || null], ["postgres", null]);
});

test("reading cannot write, and writing is up to row level security", async () => {
  const view = (user: string) => ({
    text: "insert into public.post_views (user_id, post_id) values ($1::uuid, $2::uuid) returning user_id",
    values: [user, post(1)],
  });
  await assert.rejects(
    readAs(pool, ada, view(people.ada), async () => 0),
    { code: "25006" },
  );
  await assert.rejects(writeAs(pool, ada, view(people.ben)), { code: "42501" });
  assert.deepEqual(await writeAs(pool, ada, view(people.ada)), [{ user_id: people.ada }]);
  const { rows } = await owner.query("select user_id from public.post_views");
  assert.deepEqual(rows, [{ user_id: people.ada }]);
});

test("a role that is not there lets nothing through", async () => {
  const nobody = { ...ada, role: "nobody" as "authenticated" };
  await assert.rejects(
    readAs(pool, nobody, whoAmI, async () => 0),
    { code: /^(22023|42704)$/ },
  );
  await assert.rejects(writeAs(pool, nobody, { text: "delete from public.posts", values: [] }), /nobody/);
  const { rows } = await owner.query("select count(*)::int as posts from public.posts");
  assert.equal(rows[0].posts, 31);
});
