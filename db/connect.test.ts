import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { type Database, openDatabase } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { testDatabase, withoutPostgres } from "./testing.ts";
import { testServer } from "./testing-postgres.ts";

const noPostgres = await withoutPostgres();

/** The URL of a server that answers whatever comes as `answer` says. */
async function server(t: { after(clean: () => void): void }, answer: (socket: Socket) => void): Promise<string> {
  const listening = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => answer(socket));
  });
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
  t.after(() => listening.close());
  return `postgres://postgres:secret@127.0.0.1:${(listening.address() as AddressInfo).port}/postgres`;
}

async function refuses(url: string, message: RegExp): Promise<void> {
  await assert.rejects(openDatabase({ url, connectTimeout: 500 }), (error: Error) => {
    assert.equal(error.name, "UserError");
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n|secret/, "one line, without the password");
    return true;
  });
}

test("a string that is no URL of a database", async () => {
  await refuses("nonsense", /^Not a database URL; it should look like postgres:\/\//);
  await refuses("https://example.com", /^A database URL begins with postgres:\/\/, not https:/);
});

test("a host that nobody knows, and a port where nobody listens", async (t) => {
  await refuses(
    "postgres://a:secret@no-such-host.invalid/b",
    /no-such-host\.invalid:5432\/b (is not known|could not be)/,
  );
  const url = await server(t, () => {});
  const unused = createServer();
  await new Promise<void>((done) => unused.listen(0, "127.0.0.1", done));
  const { port } = unused.address() as AddressInfo;
  await new Promise<void>((done) => unused.close(() => done()));
  await refuses(
    url.replace(/:\d+\//, `:${port}/`),
    /^Nothing listens at 127\.0\.0\.1:\d+\/postgres\. Start the database/,
  );
});

test("a server that never answers, one that hangs up, and one without TLS", async (t) => {
  const started = Date.now();
  await refuses(await server(t, () => {}), /^No database answers at .* timeout\)\. Start it/);
  assert.ok(Date.now() - started < 15_000);
  await refuses(await server(t, (socket) => socket.destroy()), /^No database answers at /);
  await refuses(
    `${await server(t, (socket) => socket.write("N"))}?sslmode=verify-full`,
    /speaks no TLS\. Add \?sslmode=disable/,
  );
});

test("a wrong password, and a database that is not there", { skip: noPostgres }, async () => {
  const url = new URL((await testServer()) as string);
  url.password = "secret";
  await refuses(url.href, /refused the password\. Check user and password/);
  const missing = new URL((await testServer()) as string);
  missing.pathname = "/recsys_no_such_database";
  await refuses(missing.href, /^There is no such database at .*\/recsys_no_such_database\. Create it/);
});

test("a database without pgvector is not migrated", async (t) => {
  const database = await testDatabase(t, "no_vector");
  const client = await database.pool.connect();
  // a session that finds no extensions, as on a server where none are installed
  await client.query(`
    create schema bare; create view bare.pg_available_extensions as select * from pg_catalog.pg_available_extensions where false;
    set search_path = bare, pg_catalog`);
  const bare = { ...database, pool: { connect: async () => client } } as unknown as Database;
  await assert.rejects(migrate(bare), {
    name: "UserError",
    message: /has no pgvector\. On Debian: apt-get install/,
  });
});

test("counts come as numbers, intervals and vectors as text", async (t) => {
  const { pool } = await testDatabase(t, "types");
  const { rows } = await pool.query(
    "select count(*), interval '36 hours' as shift, '[1,0.5]'::extensions.vector as vector from recsys.models",
  );
  assert.deepEqual(rows, [{ count: 0, shift: "36:00:00", vector: "[1,0.5]" }]);
});
