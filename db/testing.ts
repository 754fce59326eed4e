import { type TestContext, test } from "node:test";
import { takeCleanups } from "../supabase/functions/testing-cleanups.ts";
import type { Database } from "./connect.ts";
import { openEmbeddedCopy } from "./testing-embedded.ts";
import { findServer, openTestCopy, testServer } from "./testing-postgres.ts";

/** Where a test says what to do when it is over: a `TestContext`, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(clean: () => Promise<void>): void;
}

/** A scope that ends with another one, and closes first what was opened last. Hooks of a file may use it, too. */
export function createReverseScope(outer: Scope): Scope {
  const cleanings: (() => Promise<void>)[] = [];
  outer.after(async () => {
    for (const clean of cleanings.reverse()) await clean();
  });
  return { after: (clean) => void cleanings.push(clean) };
}

/**
 * A fresh, migrated database for a test file; it is gone when the scope is over.
 *
 * It is a copy of a template on the PostgreSQL of TEST_DATABASE_URL or, without that variable, on the local one of
 * `npm run setup:postgres`; where neither answers, or with TEST_DATABASE_URL=embedded, an embedded one in memory.
 */
export async function testDatabase(scope: Scope, name = "test"): Promise<Database> {
  return await openFor(scope, await testServer(), name);
}

/**
 * The same for a test of behaviour that both kinds of database share; `npm test -- --both` runs such a file on each. Otherwise a
 * sibling file runs on both: trainer/worked-examples.full.test.ts, recommend.test.ts, experiment-report.test.ts, feed.test.ts.
 */
export async function eitherDatabase(scope: Scope, name: string): Promise<Database> {
  return await openFor(scope, await findServer(), name);
}

async function openFor(scope: Scope, server: string | undefined, name: string): Promise<Database> {
  const database = server ? await openTestCopy(server, name) : await openEmbeddedCopy();
  const cleanUp = takeCleanups(database.url);
  scope.after(async () => {
    await cleanUp();
    await database.close();
  });
  return database;
}

/** For the option `skip` of a test that only a real PostgreSQL can pass: false, or the reason. */
export async function withoutPostgres(): Promise<false | string> {
  return (await testServer()) ? false : "needs a PostgreSQL: npm run setup:postgres, or set TEST_DATABASE_URL";
}

/** The same for a test of what happens concurrently, which in an embedded database nothing does. */
export async function withOneSession(): Promise<false | string> {
  return (await testServer()) ? false : "the embedded database has one session: nothing is concurrent";
}

/**
 * Registers a test on PostgreSQL (skipped where there is none), and on the embedded database where there is no other, and in `npm run test:full`
 * (unless the runner comes back for that).
 */
export async function onBoth(name: string, body: (t: TestContext, database: Database) => Promise<void>): Promise<void> {
  const server = await testServer();
  test(`${name} (PostgreSQL)`, { skip: await withoutPostgres() }, async (t) => {
    if (server) await useAndClose(t, await openTestCopy(server, "both"), body);
  });
  if (!process.env.EMBEDDED_LATER && (!server || process.env.TEST_FULL))
    test(`${name} (embedded)`, async (t) => useAndClose(t, await openEmbeddedCopy(), body));
}

async function useAndClose(
  t: TestContext,
  database: Database,
  body: (t: TestContext, database: Database) => Promise<void>,
): Promise<void> {
  t.after(() => database.close());
  await body(t, database);
}
