/** For tests: a database whose owner may do what a Supabase project's `postgres` may, and no more. */
import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Scope } from "./testing.ts";
import { testServer } from "./testing-postgres.ts";

/**
 * The URLs of a database: as its owner reaches it, who is no superuser, and as the platform does. What the platform does as a superuser is
 * done: the schema extensions with pgvector, and the schema auth, which is not the owner's: of auth.users the owner may read all rows, refer
 * to them and put triggers on the table.
 */
export async function ownedDatabase(scope: Scope, name = "owned"): Promise<{ url: string; platformUrl: string }> {
  const server = (await testServer()) as string;
  const owner = `recsys_${name}_${process.pid}`;
  const as = async (url: string, ...statements: string[]) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const at = (database: string, user?: string) => {
    const url = new URL(server);
    url.pathname = database;
    if (user) Object.assign(url, { username: user, password: user });
    return url.href;
  };
  scope.after(() => as(server, `drop database if exists ${owner} with (force)`, `drop role if exists ${owner}`));
  await as(
    server,
    `create role ${owner} login createrole bypassrls password '${owner}'`,
    `grant anon, authenticated, service_role, pg_monitor to ${owner}`,
    `create database ${owner} template template0 owner ${owner}`,
  );
  await as(
    at(owner),
    `create schema extensions authorization ${owner}`,
    "grant usage on schema extensions to anon, authenticated, service_role",
    "create extension vector with schema extensions",
    await readFile(new URL("stubs.sql", import.meta.url), "utf8"),
    `grant usage on schema auth to ${owner}`,
    `grant select, references, trigger on auth.users to ${owner}`,
  );
  return { url: at(owner, owner), platformUrl: at(owner) };
}
