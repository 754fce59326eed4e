/** For the trials of the package and the examples: serves the example page without a build step and signs a user in. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type pg from "pg";
import type { BrowserContext } from "playwright-core";
import type { Scope } from "../db/testing.ts";
import { type Gateway, publishableKey } from "../serve/gateway.ts";
import { root } from "./packed.ts";

/** examples/plain for another project than that of `npm start`. */
export function examplePage(url: string): string {
  const page = readFileSync(join(root, "examples/plain/index.html"), "utf8");
  assert.ok(page.includes(`createClient("http://localhost:54321", "${publishableKey}")`));
  return page.replace("http://localhost:54321", url);
}

/** As supabase-js keeps a session for a project at localhost. */
export const sessionKey = "sb-localhost-auth-token";

/** A session as it is kept, by an access token of an hour. */
export function madeSession(userId: string, access_token: string): string {
  const user = { id: userId, aud: "authenticated" };
  const times = { expires_in: 3600, expires_at: Math.floor(Date.now() / 1000) + 3600 };
  return JSON.stringify({ access_token, refresh_token: "r", token_type: "bearer", ...times, user });
}

/** A new reader in the example app, who cares about chess, and their session. */
export async function newReader(pool: pg.Pool, gateway: Gateway): Promise<{ reader: string; session: string }> {
  const { rows } = await pool.query<{ id: string }>(
    "insert into public.profiles (id, passions, bio, created_at) values (gen_random_uuid(), '{chess}', '', now()) returning id",
  );
  const [{ id: reader }] = rows;
  return { reader, session: madeSession(reader, await gateway.tokenOf(reader)) };
}

/** Signs a user in on all pages, as supabase-js keeps the session. */
export async function signInStorage(context: BrowserContext, session: string): Promise<void> {
  await context.addInitScript(([key, session]) => localStorage.setItem(key, session), [sessionKey, session]);
}

/** The address of a folder of static files. */
export async function serveFolder(scope: Scope, site: string): Promise<string> {
  const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };
  const server = createServer((request, response) => {
    const path = join(site, request.url === "/" ? "index.html" : `${request.url}`);
    if (!existsSync(path)) return void response.writeHead(404).end();
    response.setHeader("content-type", types[extname(path)] ?? "text/plain");
    response.end(readFileSync(path));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scope.after(async () => void server.close());
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}
