/** Tracked events in a real browser: an app on an address of its own, as most are, so every call is preceded by a preflight. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { withoutBrowser } from "../testing/browser.ts";
import { people, post } from "../testing/community.ts";
import type { Recsys } from "./src/index.ts";
import { eventually, servedApp } from "./testing-app.ts";

declare global {
  /** What the app under test leaves in its page. */
  var app: { recommender: Recsys; said: string[]; reader(): Recsys };
}

const options = { skip: withoutBrowser };
const { pool, browser, appOf } = await servedApp(
  "client_browser",
  ({ url, publishableKey }) => `
    import { createClient } from "@supabase/supabase-js";
    import { recsys } from "./client/src/index.ts";
    const auth = { storageKey: "session", autoRefreshToken: false };
    const recommender = recsys(createClient("${url}", "${publishableKey}", { auth }));
    const said = [];
    recommender.watch(({ isOnline, unsent }) => said.push((isOnline ? "online " : "offline ") + unsent.length));
    const reader = () => recsys(createClient("${url}", "${publishableKey}", { accessToken: async () => null }));
    globalThis.app = { recommender, said, reader };`,
);

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

test(
  "a page that tracks nothing is not told how it would have to, whatever its browser tells it",
  options,
  async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await appOf(context, people.ben);
    const wrong: string[] = [];
    page.on("pageerror", ({ message }) => wrong.push(message));
    await page.evaluate(() => {
      app.reader();
      dispatchEvent(new Event("online"));
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForTimeout(300);
    assert.deepEqual(wrong, []);
  },
);

test("a tab is told when another has sent what it saw waiting", options, async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const [one, two] = [await appOf(context, people.eve), await appOf(context, people.eve)];
  let goOn = () => {};
  const held = new Promise<void>((resume) => {
    goOn = resume;
  });
  await context.route("**/functions/v1/events", async (route) => {
    await held;
    await route.continue();
  });
  await track(two, 9);
  await one.waitForFunction(() => app.said.at(-1) === "online 1");
  goOn();
  await one.waitForFunction(() => app.said.at(-1) === "online 0");
});
