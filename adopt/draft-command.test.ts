/** `recsys draft`: what it prints and how it ends, that it only reads, and that names cannot be taken for SQL. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { recsys } from "../cli/testing.ts";
import { withoutPostgres } from "../db/testing.ts";
import { keywords } from "./catalog/quote.ts";
import { readingApp, readTables } from "./catalog/read-catalog.ts";
import { draftedApps, shown } from "./testing.ts";

const skip = await withoutPostgres();
const { newDatabase, adopt } = await draftedApps({ after });

test("what only its author may read is no post, and the command says so by its status", { skip }, async () => {
  const app = await adopt("todos");
  assert.deepEqual(await shown(app, "users", "right(it.user_id::text, 1)"), ["1"]);
  assert.deepEqual(await shown(app, "posts", "it.title"), []);
  const { status, stdout, stderr } = await recsys(["draft", "--database", app.url]);
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^-- No table of posts was found, so there is nothing to recommend/m);
  assert.match(
    stderr,
    /^unsure {2}posts: no table of posts was found; the nearest is public\.todos .*only its author may read it/m,
  );
});

test("the command prints the migration, and apart from it what it is unsure of; the columns of an earlier draft are no part of the app", {
  skip,
}, async () => {
  const app = await adopt("statuses");
  const { status, stdout, stderr } = await recsys(["draft", "--database", app.url]);
  assert.equal(status, 0, stderr);
  assert.equal(
    stdout.trim(),
    app.sql.replace(/grant usage[\s\S]*?service_role;\n(grant select[^;]*;\n)?\n/, "").trim(),
  );
  assert.deepEqual(
    stderr.match(/^unsure {2}.*$/gm)?.map((line) => line.slice(8)),
    app.unsure,
  );
});

test("nothing can be written while the catalog is read", { skip }, async () => {
  const { pool } = await newDatabase("read_only");
  const client = await pool.connect();
  let refused: unknown;
  const watched = {
    connect: async () => ({
      query: async (text: string, values?: unknown[]) => {
        if (text.includes("pg_class")) {
          await client.query("savepoint before");
          refused = await client.query("create table public.written ()").then(
            () => undefined,
            (error) => error.code,
          );
          await client.query("rollback to before");
        }
        return client.query(text, values);
      },
      release: () => client.release(),
    }),
  };
  await readingApp(watched as unknown as typeof pool, readTables);
  assert.equal(refused, "25006");
});

test("every word that PostgreSQL keeps for itself is quoted as a name", { skip }, async () => {
  const { pool } = await newDatabase("keywords");
  const { rows } = await pool.query("select word from pg_get_keywords() where catcode <> 'U'");
  assert.deepEqual(
    rows.map(({ word }) => word).filter((word) => !keywords.has(word)),
    [],
  );
});
