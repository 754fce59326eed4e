/** The hooks, by the component of the client's README, in React and a real browser. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { BrowserContext, Page } from "playwright-core";
import { withoutBrowser } from "../testing/browser.ts";
import { people, publishTinyModel } from "../testing/community.ts";
import { eventually, servedApp } from "./testing-app.ts";

const options = { skip: withoutBrowser };
const readme = await readFile(new URL("README.md", import.meta.url), "utf8");
const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(readme)?.[1] ?? "";

const { pool, network, browser, appOf } = await servedApp(
  "client_readme",
  ({ url, publishableKey }) => `
    /** @jsxImportSource react */
    import { createClient } from "@supabase/supabase-js";
    import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    import { recsys } from "./client/src/index.ts";
    ${block("tsx").replace('"recsys-client"', '"./client/src/index.ts"').replace('"recsys-client/react"', '"./client/src/react.ts"')}
    const auth = { storageKey: "session", autoRefreshToken: false };
    const recommender = recsys(createClient("${url}", "${publishableKey}", { auth }));
    createRoot(document.querySelector("ol")).render(<StrictMode><Feed recommender={recommender} /></StrictMode>);
    globalThis.app = {};`,
  `article { min-height: 250px } ${block("css")}`,
);
if (!withoutBrowser) {
  await publishTinyModel(pool, { name: "tiny" });
  const text = "repeat('A line of text that goes on. ', 40)";
  await pool.query(`update public.posts set description = ${text}, tags = '{chess}'`);
}

/** A phone on which a user looks at their feed, and what went wrong there. */
async function phoneOf(
  t: { after(end: () => Promise<void>): void },
  userId: string,
  prepare?: (context: BrowserContext) => Promise<unknown>,
) {
  const context = await browser.newContext({ viewport: { width: 400, height: 600 } });
  t.after(() => context.close());
  await prepare?.(context);
  const page = await appOf(context, userId);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  return { context, page, wrong };
}
const cards = (page: Page) => page.locator("article");
const titleOf = async (page: Page) => (await cards(page).first().locator("h2").textContent()) ?? "";
const cardOf = (page: Page, title: string) =>
  cards(page).filter({ has: page.getByRole("heading", { name: title, exact: true }) });
const buttonOf = (page: Page, title: string) => cardOf(page, title).getByRole("button", { name: "Vote" });
const isPressed = async (page: Page, title: string) =>
  (await buttonOf(page, title).getAttribute("aria-pressed")) === "true";
const impressions = async (userId: string, condition: string) =>
  (await pool.query(`select from recsys.impressions where user_id = $1 and ${condition}`, [userId])).rowCount;
const votesOf = async (userId: string) =>
  (await pool.query("select from public.post_votes where user_id = $1", [userId])).rowCount;

test(
  "cards have an age and two lines, the next page comes as one scrolls, and what was in view was seen once",
  options,
  async (t) => {
    const { page, wrong } = await phoneOf(t, people.ben);
    const tracked: string[] = [];
    page.on("request", (request) => {
      if (!request.url().endsWith("/events") || request.method() !== "POST") return;
      for (const { post_id } of request.postDataJSON().events) tracked.push(post_id);
    });
    assert.match((await cards(page).first().textContent()) ?? "", /^Post \d+\d+ hours agoA line of text.*…chessVote/);
    const lines = await cards(page)
      .first()
      .locator(".excerpt")
      .evaluate((each) => each.getBoundingClientRect().height / 18);
    assert.equal(Math.round(lines), 2);
    // the second is less than a screen away from the beginning, the third is not
    await eventually(() => cards(page).count(), 5);
    await eventually(() => impressions(people.ben, "seen_at is not null"), 2);
    for (const expected of [10, 15]) {
      await cards(page).last().scrollIntoViewIfNeeded();
      await eventually(() => cards(page).count(), expected);
    }
    const titles = await cards(page).locator("h2").allTextContents();
    assert.equal(new Set(titles).size, titles.length);
    await cards(page).first().scrollIntoViewIfNeeded();
    await page.waitForTimeout(1500);
    assert.equal(new Set(tracked).size, tracked.length);
    assert.ok(tracked.length > 5 && tracked.length < 15, `${tracked.length} of 15`);
    assert.deepEqual(wrong, []);
  },
);

test(
  "a vote is shown at once, kept over a reload without a network, and sent when there is one",
  options,
  async (t) => {
    const toldNothing = (context: BrowserContext) => context.route("**/functions/v1/events", (route) => route.abort());
    const { context, page: first } = await phoneOf(t, people.eve, toldNothing);
    const before = Number(await votesOf(people.eve));
    const title = await titleOf(first);
    await network.sever();
    await buttonOf(first, title).click();
    assert.ok(await isPressed(first, title));
    // what it sends when it ends is tried, and fails, before there is a network again
    await first.goto("about:blank");
    await first.close();
    await setTimeout(500);
    await network.restore();
    const page = await appOf(context, people.eve);
    await eventually(() => isPressed(page, title), true);
    assert.equal(await votesOf(people.eve), before);
    await context.unroute("**/functions/v1/events");
    await eventually(() => votesOf(people.eve), before + 1);
    assert.ok(await isPressed(page, title));
    await buttonOf(page, title).click();
    assert.equal(await isPressed(page, title), false);
    await eventually(() => votesOf(people.eve), before);
  },
);

test("a double click votes, once, and what is pressed later takes the vote back", options, async (t) => {
  const { page } = await phoneOf(t, people.ben);
  const sent: unknown[] = [];
  page.on("request", (request) => {
    if (!request.url().endsWith("/events") || request.method() !== "POST") return;
    for (const { type, value } of request.postDataJSON().events) if (type === "vote") sent.push(value);
  });
  const title = await titleOf(page);
  const before = Number(await votesOf(people.ben));
  await buttonOf(page, title).dblclick({ delay: 80 });
  await eventually(() => votesOf(people.ben), before + 1);
  await page.waitForTimeout(600);
  assert.deepEqual([await isPressed(page, title), sent], [true, [1]]);
  await buttonOf(page, title).click();
  await eventually(() => votesOf(people.ben), before);
  assert.deepEqual([await isPressed(page, title), sent], [false, [1, 0]]);
});

test("a vote that is refused is taken back, and the page says why", options, async (t) => {
  const { page } = await phoneOf(t, people.ada);
  const title = await titleOf(page);
  const {
    rows: [{ id }],
  } = await pool.query("select id from public.posts where title = $1", [title]);
  await pool.query("delete from public.posts where id = $1", [id]);
  await buttonOf(page, title).click();
  await cardOf(page, title).getByRole("alert").waitFor();
  assert.equal(await isPressed(page, title), false);
});

test("a page that fails is asked for again by whoever presses", options, async (t) => {
  let fails = true;
  const { page } = await phoneOf(t, people.ben, (context) =>
    context.route("**/functions/v1/recommend", (route) => (fails ? route.abort() : route.continue())),
  );
  const again = page.getByRole("button", { name: "Try again" });
  await again.waitFor();
  fails = false;
  await again.click();
  await eventually(() => cards(page).count(), 5);
  assert.equal(await again.count(), 0);
});

/** Writes as many posts of the author as the banner of a returning reader counts. */
async function writeNews(t: { after(end: () => Promise<void>): void }, page: Page, many: number) {
  await eventually(() => cards(page).count(), 5);
  await pool.query(
    "insert into public.posts (author_id, title, tags) select $1, 'News ' || n, '{chess}' from generate_series(1, $2) as n",
    [people.author, many],
  );
  t.after(() => pool.query("delete from public.posts where title like 'News %'").then(() => undefined));
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  return page.getByRole("button", { name: `${many} new posts` });
}

test("a reload that fails is tried again as a reload, and puts no page of two feeds together", options, async (t) => {
  let fails = false;
  const asked: unknown[] = [];
  const { page } = await phoneOf(t, people.ben, (context) =>
    context.route("**/functions/v1/recommend", (route) => {
      const { count_since, after } = route.request().postDataJSON() ?? {};
      if (route.request().method() === "POST" && !count_since) asked.push(after);
      return fails && !count_since ? route.abort() : route.continue();
    }),
  );
  const reload = await writeNews(t, page, 4);
  fails = true;
  await reload.click();
  const again = page.getByRole("button", { name: "Try again" });
  await again.waitFor();
  fails = false;
  asked.length = 0;
  await again.click();
  await eventually(() => again.count(), 0);
  await eventually(() => cards(page).count(), 5);
  assert.deepEqual(asked, [null]);
});

test("a reload that failed offline is no error any more once there is a network", options, async (t) => {
  const { context, page } = await phoneOf(t, people.ben);
  const reload = await writeNews(t, page, 2);
  const before = await cards(page).locator("h2").allTextContents();
  await context.setOffline(true);
  await reload.click();
  await page.getByRole("alert").waitFor();
  await context.setOffline(false);
  await page.getByRole("alert").waitFor({ state: "detached" });
  assert.deepEqual(await cards(page).locator("h2").allTextContents(), before);
});

test("who comes back to the page is told how many posts are new, and loads them", options, async (t) => {
  const { page, wrong } = await phoneOf(t, people.eve);
  await (await writeNews(t, page, 3)).click();
  await eventually(() => page.getByRole("button", { name: "3 new posts" }).count(), 0);
  assert.match(await titleOf(page), /^(News|Post)/);
  assert.deepEqual(wrong, []);
});
