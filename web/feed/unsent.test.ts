/**
 * Without a network a page says so, and keeps the actions of its reader until there is a network again, or until the next visit. A draft outlives the
 * view, a reload and a lost answer, and is stored once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { seriousIn } from "../testing/axe.ts";
import {
  answerTo,
  card,
  events,
  eventually,
  hold,
  nextFeed,
  press,
  showWhatMoves,
  signInAs,
  titles,
  view,
} from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, openFresh: open } = await startStories("feed_unsent");

const posts = "**/rest/v1/posts";
const written = () => rowsOf("select title from public.posts where title like 'Kites%' order by title");

const rowsOf = async (sql: string) => (await pool.query({ text: sql, rowMode: "array" })).rows.flat();
const votes = () =>
  rowsOf("select title from public.post_votes join public.posts on posts.id = post_id order by title");
const comments = () => rowsOf("select body from public.comments");
const dismissals = () => rowsOf("select title from recsys.dismissals join public.posts on posts.id = post_id");

/** The next request of that kind arrives, and its answer is lost. */
const loseAnswer = (page: Page, address: string) =>
  page.route(
    address,
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );

test("what is done offline is shown, and sent by itself when there is a network again", options, async (t) => {
  const { page } = await open(t, { viewport: { width: 320, height: 640 } });
  await signInAs(page, gateway.url, "ben");
  const [voted, dismissed, commented] = await titles(page, 3);
  // that he opened it is stored, and none of what waits below
  const noted = answerTo(page, "view");
  await press(page, commented, "Comment");
  await noted;
  await card(page, commented).getByLabel("Your comment").fill("From a tunnel");
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await press(page, voted, "Vote");
  await press(page, dismissed, "Not for me");
  await card(page, commented).getByRole("button", { name: /^Send/ }).click();
  await card(page, voted).getByRole("button", { name: "Voted for", pressed: true }).waitFor();
  await page.getByText(`Dismissed: ${dismissed}`).waitFor();
  await page.getByText("3 so far").waitFor();
  assert.deepEqual(await seriousIn(page, "color-contrast"), []);
  await t.test("more of the feed says so at its end", async () => {
    await page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded();
    const trouble = page.getByRole("alert");
    await trouble.getByText("You are offline.").waitFor();
    assert.equal(await trouble.count(), 1);
  });
  await t.test("what cannot be kept says so where it is, and is not lost", async () => {
    await view(page, "Write");
    await page.getByLabel("Title").fill("Kites in a tunnel");
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("alert").getByText("You are offline.").waitFor();
    assert.equal(await page.getByLabel("Title").inputValue(), "Kites in a tunnel");
    await view(page, "Feed");
    await card(page, voted).getByRole("button", { name: "Voted for", pressed: true }).waitFor();
  });
  assert.deepEqual(await votes(), []);
  await nextFeed(page, () => page.context().setOffline(false));
  await eventually(
    async () => [await votes(), await dismissals(), await comments()],
    [[voted], [dismissed], ["From a tunnel"]],
  );
  await page.locator("li.post").nth(39).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0, "the page that failed came by itself");
  await showWhatMoves(page);
  const moved = (await page.getByRole("region", { name: "What moved" }).textContent()) ?? "";
  assert.match(moved, new RegExp(`${voted} was at place 1 · You voted for it`));
  assert.match(moved, new RegExp(`Dismissed: ${dismissed}`));
});

test(
  "a refresh that failed offline is no trouble any more with a network, and the feed goes on",
  options,
  async (t) => {
    const { page } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const before = await titles(page, 20);
    await page.context().setOffline(true);
    const failed = page.waitForEvent("requestfailed");
    await page.getByRole("button", { name: "Refresh" }).click();
    await failed;
    await page.getByRole("button", { name: "Refresh", disabled: false }).waitFor();
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
    assert.equal(await page.getByRole("alert").count(), 0);
    assert.deepEqual(await titles(page, 20), before);
    await nextFeed(page, () => page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded());
    await page.locator("li.post").nth(39).waitFor();
    const now = await titles(page, 100);
    assert.equal(new Set(now).size, now.length);
  },
);

test("what was done offline is sent at the next visit", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "rosa");
  await eventually(async () => (await rowsOf("select user_id from public.logins")).length > 0, true);
  const [voted, commented] = await titles(page, 2);
  const before = await votes();
  await press(page, commented, "Comment");
  await card(page, commented).getByLabel("Your comment").fill("Before the battery went");
  await page.context().setOffline(true);
  await press(page, voted, "Vote");
  await card(page, commented).getByRole("button", { name: /^Send/ }).click();
  await page.getByText("You are offline.").waitFor();
  await page.goto("about:blank");
  await page.context().setOffline(false);
  await nextFeed(page, () => page.goto(`${gateway.url}/#feed`));
  await eventually(async () => (await votes()).length, before.length + 1);
  await eventually(async () => (await comments()).includes("Before the battery went"), true);
  await page.reload();
  await page.locator("li.post").first().waitFor();
  assert.equal(await page.getByRole("region", { name: /^Unfinished/ }).count(), 0);
  await view(page, "rosa");
  await page
    .getByRole("region", { name: "Voted for" })
    .getByRole("button", { name: `Voted for ${voted}` })
    .waitFor();
});

test("a visitor, who can do nothing that would be kept, is told of the network alone", options, async (t) => {
  const { page } = await open(t);
  await page.goto(gateway.url);
  await page.locator("li.post").first().waitFor();
  await page.context().setOffline(true);
  assert.equal((await page.locator(".pending").textContent())?.trim(), "You are offline.");
  await page.context().setOffline(false);
  await page.locator(".pending").waitFor({ state: "detached" });
});

test(
  "a comment that is begun stays, is sent once though its answer is lost, and is gone when it is stored",
  options,
  async (t) => {
    const { page } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const [first] = await titles(page, 1);
    await press(page, first, "Comment");
    await page.getByLabel("Your comment").fill("I would say");
    await view(page, "Write");
    await view(page, "Feed");
    assert.equal(await page.getByLabel("Your comment").inputValue(), "I would say");
    await eventually(async () => (await pool.query("select from public.post_views")).rowCount, 1);
    await page.reload();
    // what he opened is not in his next feed, and what he began there is above it
    const unfinished = page.getByRole("region", { name: `Unfinished comment on ${first}` });
    await unfinished.getByRole("button", { name: "Go on" }).click();
    assert.equal(await page.getByLabel("Your comment").inputValue(), "I would say");
    await page.getByLabel("Your comment").fill("I would say so.");
    await loseAnswer(page, events);
    await unfinished.getByRole("button", { name: /^Send/ }).click();
    // its form is gone by the time it is stored
    await view(page, "Write");
    await view(page, "Feed");
    await unfinished.waitFor({ state: "detached" });
    assert.deepEqual(await comments(), ["I would say so."]);
  },
);

test("a draft is shown to its writer alone", options, async (t) => {
  const { page } = await open(t);
  const beSomebodyElse = async (from: string, to: string) => {
    await view(page, from);
    await page.getByRole("button", { name: "Be somebody else" }).click();
    await nextFeed(page, () => page.getByRole("button", { name: to }).click());
  };
  await signInAs(page, gateway.url, "ben");
  await view(page, "Write");
  await page.getByLabel("Title").fill("Kites in confidence");
  await beSomebodyElse("ben", "rosa");
  await view(page, "Write");
  assert.equal(await page.getByLabel("Title").inputValue(), "");
  await beSomebodyElse("rosa", "ben");
  await view(page, "Write");
  assert.equal(await page.getByLabel("Title").inputValue(), "Kites in confidence");
});

test("an edited profile stays until it is saved", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  await view(page, "ben");
  await page.getByLabel("About you").fill("I fly kites");
  await view(page, "Write");
  await view(page, "ben");
  assert.equal(await page.getByLabel("About you").inputValue(), "I fly kites");
  await page.reload();
  assert.equal(await page.getByLabel("About you").inputValue(), "I fly kites");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.deepEqual(await rowsOf("select bio from public.profiles where external_id = 'ben'"), ["I fly kites"]);
  // saved from another device since
  await pool.query("update public.profiles set bio = 'I mend kites' where external_id = 'ben'");
  await page.reload();
  assert.equal(await page.getByLabel("About you").inputValue(), "I mend kites");
});

test("a post that is begun stays, waits for an idea's, and is published once", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  await view(page, "Write");
  await page.getByLabel("Title").fill("Kites over clay");
  await page.getByLabel("Text").fill("They fly.");
  await page.getByLabel("Tags").fill("kites, clay");
  await view(page, "Feed");
  await view(page, "Write");
  await page.reload();
  assert.equal(await page.getByLabel("Text").inputValue(), "They fly.");
  const idea = {
    title: "Kites of paper",
    points: ["Glue"],
    tags: [],
    topic: null,
    why: null,
    predicted: { audience: 1, views: 1, votes: 1, comments: 1 },
    fit: null,
    inspired_by: [],
  };
  await page.route("**/functions/v1/ideas", (route) =>
    route.fulfill({ json: { model: null, needs: [], items: [idea], notes: [] } }),
  );
  await view(page, "Ideas");
  await page.getByRole("button", { name: /^Write this/ }).click();
  await page.getByRole("button", { name: "Take this title" }).click();
  assert.equal(await page.getByLabel("Title").inputValue(), "Kites of paper");
  await loseAnswer(page, posts);
  const publish = page.getByRole("button", { name: "Publish" });
  await publish.click();
  await page.getByRole("alert").waitFor();
  assert.equal(
    await page.getByLabel("Title").inputValue(),
    "Kites of paper",
    "its reader does not know that it arrived",
  );
  const held = await hold(page, posts);
  // two presses before the page can draw anything
  await publish.evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await page.getByRole("button", { name: "Publishing …" }).waitFor();
  held.letGo();
  await page.getByText("“Kites of paper” is published").waitFor();
  assert.equal(held.asked(), 1);
  assert.equal(await page.getByLabel("Title").inputValue(), "Kites over clay", "what waited is there again");
  await publish.click();
  await page.getByText("“Kites over clay” is published").waitFor();
  assert.equal(await page.getByLabel("Title").inputValue(), "");
  assert.deepEqual(await written(), ["Kites of paper", "Kites over clay"]);
  assert.ok(
    !(await page.evaluate(() => JSON.stringify({ ...localStorage }))).includes('over clay","desc'),
    "nothing is left behind",
  );
});
