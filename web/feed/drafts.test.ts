/** What somebody writes is theirs until it is stored: it outlives the view, a reload and a lost answer, and is stored once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { events, eventually, hold, nextFeed, press, signInAs, titles, view } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, open } = await startStories("feed_drafts");

const posts = "**/rest/v1/posts";
const textsOf = async (sql: string) => (await pool.query({ text: sql, rowMode: "array" })).rows.flat();
const comments = () => textsOf("select body from public.comments order by body");
const written = () => textsOf("select title from public.posts where title like 'Kites%' order by title");

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

test("nobody finds the draft of another person", options, async (t) => {
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

test("what somebody begins to say of themselves stays until it is saved", options, async (t) => {
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
  assert.deepEqual(await textsOf("select bio from public.profiles where external_id = 'ben'"), ["I fly kites"]);
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
    from: [],
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
