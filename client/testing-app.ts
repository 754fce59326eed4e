/** For tests: an app on an address of its own, in a real browser, on the real functions. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type pg from "pg";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createReverseScope, testDatabase } from "../db/testing.ts";
import { type Gateway, startGateway } from "../serve/gateway.ts";
import { severableWire } from "../serve/testing-wire.ts";
import { keptBrowser, withoutBrowser } from "../testing/browser.ts";
import { fillCommunity } from "../testing/community.ts";

export interface ServedApp {
  pool: pg.Pool;
  gateway: Gateway;
  /** What is between the app and the functions: what a page sends when it is closed passes by a browser that is offline. */
  network: Pick<Awaited<ReturnType<typeof severableWire>>, "sever" | "restore">;
  browser: Browser;
  /** A page of the app with a signed-in user, as supabase-js keeps them under the key "session". */
  appOf(context: BrowserContext, userId: string): Promise<Page>;
}

/** `code`: the app's, in TypeScript with JSX of Preact; it leaves `app` behind when it has begun. All is gone after the file's tests; without a browser nothing is there. */
export async function servedApp(name: string, code: (gateway: Gateway) => string, css = ""): Promise<ServedApp> {
  if (withoutBrowser) return {} as ServedApp;
  const scope = createReverseScope({ after });
  const { pool, url: databaseUrl } = await testDatabase(scope, name);
  await fillCommunity(pool);
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  scope.after(() => rm(folder, { recursive: true }));
  const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: () => undefined });
  scope.after(() => gateway.stop());
  const network = await severableWire(gateway.url);
  scope.after(() => network.sever());
  const { outputFiles } = await build({
    stdin: {
      contents: code({ ...gateway, url: network.url.replace(/\/$/, "") }),
      loader: "tsx",
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    jsx: "automatic",
    jsxImportSource: "preact",
    bundle: true,
    write: false,
    format: "esm",
  });
  const html = `<!doctype html><style>${css}</style><ol></ol><script type="module" src="/app.js"></script>`;
  const site = createServer((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? outputFiles[0].text : html);
  });
  await new Promise<void>((listening) => site.listen(0, "127.0.0.1", listening));
  scope.after(async () => void site.close());
  const browser = await keptBrowser(scope);

  async function appOf(context: BrowserContext, userId: string): Promise<Page> {
    const access_token = await gateway.tokenOf(userId);
    const expires_at = Math.round(Date.now() / 1000) + 3600;
    const session = { access_token, refresh_token: "r", token_type: "bearer", expires_in: 3600, expires_at };
    await context.addInitScript(
      (session) => localStorage.setItem("session", session),
      JSON.stringify({ ...session, user: { id: userId } }),
    );
    const page = await context.newPage();
    await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "app" in globalThis);
    return page;
  }
  return { pool, gateway, network, browser, appOf };
}

/** Waits up to ten seconds until a check holds. */
export async function eventually<Value>(read: () => Promise<Value>, expected: Value): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((later) => setTimeout(later, 50)))
    if (JSON.stringify(await read()) === JSON.stringify(expected)) return;
  assert.deepEqual(await read(), expected);
}
