// What connections to the embedded database may expect of each other, though all are one session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openEmbeddedCopy } from "./testing-embedded.ts";

test("the embedded database", async (t) => {
  const database = await openEmbeddedCopy();
  const { pool } = database;
  t.after(() => database.close());

  await t.test(
    "statements whose parameters fill many packets are not mixed with those of other connections",
    async () => {
      const text = "x".repeat(5_000_000);
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, n) =>
          n % 2 === 0
            ? pool.query("select $1::integer as n, length($2::text) as length", [n, text])
            : pool.query("select length($1::text) as length, $2::integer as n, true as odd", [text, n]),
        ),
      );
      const expected = answers.map((_, n) => ({ n, length: 5_000_000, ...(n % 2 === 0 ? {} : { odd: true }) }));
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
});
