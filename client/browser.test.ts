/** Tracked events in a real browser: an app on an address of its own, as most are, so every call is preceded by a preflight. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { testDatabase } from "../db/testing.ts";
import { startGateway } from "../trainer/serve/gateway.ts";
import { fillCommunity, people, post } from "../trainer/serve/testing.ts";
import { startBrowser, withoutBrowser } from "../web/testing/browser.ts";
import type { Recsys } from "./src/index.ts";

declare global {
  /** What the app under test leaves in its page. */
  var app: { recommender: Recsys; said: string[] };
}

const scope = { after: (clean: () => Promise<void>) => cleanings.unshift(clean) };
const cleanings: (() => Promise<void>)[] = [];
after(async () => {
  for (const clean of cleanings) await clean();
});
const options = { skip: withoutBrowser };
const { pool, gateway, url, browser } = withoutBrowser ? ({} as Served) : await served();
type Served = Awaited<ReturnType<typeof served>>;

async function served() {
  const { pool, url: databaseUrl } = await testDatabase(scope, "client_browser");
  await fillCommunity(pool);
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  scope.after(() => rm(folder, { recursive: true }));
  const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: () => undefined });
  scope.after(() => gateway.stop());
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createClient } from "@supabase/supabase-js"; import { recsys } from "./client/src/index.ts";
        const auth = { storageKey: "session", autoRefreshToken: false };
        const recommender = recsys(createClient("${gateway.url}", "${gateway.publishableKey}", { auth }));
        const said = [];
        recommender.watch(({ isOnline, unsent }) => said.push((isOnline ? "online " : "offline ") + unsent.length));
        globalThis.app = { recommender, said };`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    write: false,
    format: "esm",
  });
  const site = createServer((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? outputFiles[0].text : '<!doctype html><script type="module" src="/app.js"></script>');
  });
  await new Promise<void>((listening) => site.listen(0, "127.0.0.1", listening));
  scope.after(async () => void site.close());
  const browser: Browser = await startBrowser();
  scope.after(() => browser.close());
  return { pool, gateway, browser, url: `http://localhost:${(site.address() as AddressInfo).port}/` };
}

/** A page of the app in which somebody is signed in, as supabase-js keeps it. */
async function appOf(context: BrowserContext, userId: string): Promise<Page> {
  const access_token = await gateway.tokenOf(userId);
  const expires_at = Math.round(Date.now() / 1000) + 3600;
  const session = { access_token, refresh_token: "r", token_type: "bearer", expires_in: 3600, expires_at };
  await context.addInitScript(
    (session) => localStorage.setItem("session", session),
    JSON.stringify({ ...session, user: { id: userId } }),
  );
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => globalThis.app);
  return page;
}

const track = (page: Page, n: number, value: 1 | -1 = 1) =>
  page.evaluate(([post_id, value]) => void app.recommender.track({ type: "vote", post_id, value }), [
    post(n),
    value,
  ] as const);
const votes = async (userId: string) =>
  (await pool.query("select post_id from public.post_votes where user_id = $1 order by id", [userId])).rows.map(
    ({ post_id }) => post_id,
  );
const kept = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("recsys:")).length);

/** What comes to hold within ten seconds. */
async function eventually<Value>(read: () => Promise<Value>, expected: Value): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((later) => setTimeout(later, 50)))
    if (JSON.stringify(await read()) === JSON.stringify(expected)) return;
  assert.deepEqual(await read(), expected);
}

for (const end of ["closed", "left for another"] as const)
  test(`what was seen in the last moment of a page that is ${end} is sent`, options, async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await appOf(context, people.ben);
    const shown = await page.evaluate(async () => {
      const { items, request_id } = await app.recommender.recommend({ limit: 5 });
      for (const { post_id } of items) void app.recommender.track({ type: "seen", post_id, request_id });
      return request_id;
    });
    if (end === "closed") await page.close({ runBeforeUnload: true });
    else await page.goto("about:blank");
    const seen = async () =>
      (await pool.query("select from recsys.impressions where request_id = $1 and seen_at is not null", [shown]))
        .rowCount;
    await eventually(seen, 5);
  });

test("a vote without a network is sent when there is one, and the page can say so", options, async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await appOf(context, people.eve);
  await context.setOffline(true);
  await track(page, 1);
  await eventually(() => kept(page), 1);
  await page.waitForFunction(() => app.said.at(-1) === "offline 1");
  assert.deepEqual(await votes(people.eve), []);
  await context.setOffline(false);
  await page.waitForFunction(() => app.said.at(-1) === "online 0");
  assert.deepEqual([await votes(people.eve), await kept(page)], [[post(1)], 0]);
});

test("what could not be sent is sent by the next visit", options, async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const first = await appOf(context, people.ada);
  const before = await votes(people.ada);
  await context.setOffline(true);
  await track(first, 3);
  await track(first, 5);
  await eventually(() => kept(first), 2);
  await first.close();
  await context.setOffline(false);
  const second = await appOf(context, people.ada);
  await eventually(() => votes(people.ada), [...before, post(3), post(5)]);
  await eventually(() => kept(second), 0);
});

test(
  "on plain http, where crypto has no randomUUID, and where localStorage is forbidden, votes are stored",
  options,
  async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    await context.addInitScript(() => {
      delete (Crypto.prototype as Partial<Crypto>).randomUUID;
      Storage.prototype.setItem = function (key, value) {
        if (key.startsWith("recsys:")) throw new DOMException("full", "QuotaExceededError");
        Object.defineProperty(this, key, { value, enumerable: true, configurable: true });
      };
    });
    const page = await appOf(context, people.author);
    await track(page, 7);
    await eventually(() => votes(people.author), [post(7)]);
  },
);
