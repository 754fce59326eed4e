// What connections to the embedded database may expect of each other, though all are one session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect } from "./connect.ts";
import { openEmbeddedCopy } from "./testing-embedded.ts";

test("the embedded database", async (t) => {
  const database = await openEmbeddedCopy();
  const { pool } = database;
  t.after(() => database.close());

  await t.test(
    "statements whose parameters fill many packets are not mixed with those of other connections",
    async () => {
      const text = "x".repeat(500_000);
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, n) =>
          n % 2 === 0
            ? pool.query("select $1::integer as n, length($2::text) as length", [n, text])
            : pool.query("select length($1::text) as length, $2::integer as n, true as odd", [text, n]),
        ),
      );
      const expected = answers.map((_, n) => ({ n, length: 500_000, ...(n % 2 === 0 ? {} : { odd: true }) }));
      assert.deepEqual(
        answers.flatMap((answer) => answer.rows),
        expected,
      );
    },
  );

  await t.test("a role and claims set in a transaction are its own", async () => {
    const client = await pool.connect();
    await client.query("begin");
    await client.query("set local role authenticated");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      '{"sub": "a0000000-0000-4000-8000-000000000000"}',
    ]);
    const meanwhile = pool.query("select current_user as role, auth.uid() as id");
    const { rows } = await client.query("select current_user as role, auth.uid() as id");
    assert.deepEqual(rows, [{ role: "authenticated", id: "a0000000-0000-4000-8000-000000000000" }]);
    await client.query("commit");
    client.release();
    assert.deepEqual((await meanwhile).rows, [{ role: "postgres", id: null }]);
  });

  await t.test("what a connection had begun is undone when it breaks off", async () => {
    const client = await pool.connect();
    await client.query("begin");
    await client.query("insert into public.posts (title) values ('lost')");
    client.release(true);
    assert.equal((await pool.query("select from public.posts")).rowCount, 0);
  });

  await t.test("an error in a statement with parameters leaves the others alone", async () => {
    const [wrong, right] = await Promise.allSettled([
      pool.query("select 1 / $1::integer", [0]),
      pool.query("select $1::integer as n", [1]),
    ]);
    assert.match(String(wrong.status === "rejected" && wrong.reason), /division by zero/);
    assert.deepEqual(right.status === "fulfilled" && right.value.rows, [{ n: 1 }]);
  });

  await t.test("a cursor streams within a transaction", async () => {
    const client = await pool.connect();
    await client.query("begin");
    await client.query("declare rows cursor for select n from generate_series(1, 2500) as n");
    let sum = 0;
    for (let more = true; more; ) {
      const { rows } = await client.query<{ n: number }>("fetch 1000 from rows");
      for (const { n } of rows) sum += n;
      more = rows.length > 0;
    }
    await client.query("commit");
    client.release();
    assert.equal(sum, (2500 * 2501) / 2);
  });

  await t.test("a program that waits for itself is told so within seconds, and what it had begun goes on", async () => {
    const holder = await pool.connect();
    await holder.query("begin");
    await holder.query("insert into public.posts (title) values ('kept')");
    const begun = performance.now();
    const inVain =
      /^embedded database: its one session is in a transaction of another connection, .* since "insert into /;
    await Promise.all([
      assert.rejects(pool.query("select from public.posts"), { message: inVain }),
      assert.rejects(pool.query("select $1::integer", [1]), { message: inVain }),
      assert.rejects(connect(database.url, { embedded: true }), { message: inVain }),
    ]);
    assert.ok(performance.now() - begun < 15_000);
    await holder.query("commit");
    holder.release();
    assert.equal((await pool.query("select from public.posts")).rowCount, 1);
  });

  await t.test("who waits for a transaction that goes on waits for as long as it takes", async () => {
    const holder = await pool.connect();
    await holder.query("begin");
    const waiting = pool.query("select 1 as n");
    // longer together than one that sends nothing is waited for
    for (let i = 0; i < 3; i++) {
      await setTimeout(2_000);
      await holder.query("select 2 as n");
    }
    await holder.query("commit");
    holder.release();
    assert.deepEqual((await waiting).rows, [{ n: 1 }]);
  });
});
