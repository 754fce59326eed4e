/** What a query is told whose connection breaks; see also serve/gateway-outage.test.ts. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { openPool } from "../_shared/database/pool.ts";
import { isConnectionLoss } from "../_shared/http/errors.ts";

const { url } = await testDatabase({ after }, "pool");

test("a socket that Deno closed is a lost connection, for its queries and for the log", async (t) => {
  const lost: Error[] = [];
  const pool = openPool(url, (error) => lost.push(error));
  t.after(() => pool.end());
  const message = "the database closed the connection while a query was sent";
  const broken = () => Object.assign(new Error("write EBADF"), { code: "EBADF", syscall: "write" });

  const used = await pool.connect();
  const query = used.query("select pg_sleep(1)");
  streamOf(used).emit("error", broken());
  const [told] = await Promise.allSettled([query]);
  used.release(true);
  assert.ok(told.status === "rejected" && isConnectionLoss(told.reason));
  assert.equal(told.reason.message, message);

  const idle = await pool.connect();
  idle.release();
  streamOf(idle).emit("error", broken());
  assert.deepEqual(
    lost.map((error) => error.message),
    [message],
  );
  const next = await pool.connect();
  assert.deepEqual((await next.query("select 1 as one")).rows, [{ one: 1 }]);
  next.release();
});

/** The socket of the driver, which the types of a connection do not name. */
function streamOf(connection: unknown): { emit(event: "error", error: Error): void } {
  return (connection as { connection: { stream: { emit(event: "error", error: Error): void } } }).connection.stream;
}
