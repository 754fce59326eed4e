/** For tests: a database whose owner may do what a Supabase project's `postgres` may, and no more. */
import { readFile } from "node:fs/promises";
import type { Scope } from "./testing.ts";
import { createDatabase, testServer, withClient } from "./testing-postgres.ts";

/**
 * The URLs of a database for its owner, who is no superuser, and for the platform, which has made the schema
 * extensions with pgvector and the schema auth. The owner may read auth.users, refer to it and put triggers on it.
 */
export async function ownedDatabase(scope: Scope, name = "owned"): Promise<{ url: string; platformUrl: string }> {
  const server = (await testServer()) as string;
  const owner = `recsys_${name}_${process.pid}`;
  const as = (url: string, ...statements: string[]) =>
    withClient(url, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  const at = (database: string, user?: string) => {
    const url = new URL(server);
    url.pathname = database;
    if (user) Object.assign(url, { username: user, password: user });
    return url.href;
  };
  scope.after(() => as(server, `drop database if exists ${owner} with (force)`, `drop role if exists ${owner}`));
  await as(server, `create role ${owner} login createrole bypassrls password '${owner}'`);
  await withClient(server, (client) => createDatabase(client, owner));
  await as(
    at(owner),
    `alter database ${owner} owner to ${owner}`,
    `create schema extensions authorization ${owner}`,
    "create extension vector with schema extensions",
    // the roles of the platform too, on a server that has not met them
    await readFile(new URL("stubs.sql", import.meta.url), "utf8"),
    "grant usage on schema extensions to anon, authenticated, service_role",
    `grant anon, authenticated, service_role, pg_monitor to ${owner}`,
    `grant usage on schema auth to ${owner}`,
    `grant select, references, trigger on auth.users to ${owner}`,
  );
  return { url: at(owner, owner), platformUrl: at(owner) };
}
