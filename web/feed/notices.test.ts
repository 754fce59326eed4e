/** What a page says besides the posts: that some are new, an editor's pin, ideas, how far a first model is, and the day in an archive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { uuid } from "../../testing/community.ts";
import { seriousIn } from "../testing/axe.ts";
import { members } from "../testing/community.ts";
import { card, eventually, nextFeed, signInAs, titles } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, openFresh: open } = await startStories("feed_notices");

const setModel = (from: string, to: string) =>
  pool.query("update recsys.models set status = $2 where status = $1", [from, to]);
/** As if the reader had been at another tab for a while. */
const comeBack = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
const write = (title: string, visibility: string, author = members.rosa) =>
  pool.query("insert into public.posts (author_id, title, tags, visibility) values ($1, $2, '{chess}', $3)", [
    author,
    title,
    visibility,
  ]);
/** How many of the posts with such a title have a vector. */
const embedded = async (title: string) =>
  (
    await pool.query("select from recsys.post_embeddings join public.posts on id = post_id where title like $1", [
      title,
    ])
  ).rowCount;

// first: a worker that has asked for promotions does not ask again for a while
test("what editors pin stands where they put it, and says so", options, async (t) => {
  await pool.query(
    `insert into recsys.promotions (name, post_id, place, starts_at, ends_at)
     select 'From the editors', id, 1, now() - interval '1 minute', now() + interval '1 day' from public.posts where title = 'Garden bed 24'`,
  );
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  // a worker may have learned a moment ago that there was none
  for (let i = 0; (await titles(page, 1))[0] !== "Garden bed 24" && i < 30; i++) {
    await page.waitForTimeout(1000);
    await nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
  }
  const [first] = await titles(page, 1);
  assert.equal(first, "Garden bed 24");
  await card(page, first).getByText("From the editors · Put here by those who run this community").waitFor();
});

test("the page says how many posts are new, and loads them", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ada");
  await comeBack(page);
  await write("Chess at dawn", "public");
  await write("A secret", "private");
  await write("Her own", "public", members.ada);
  await comeBack(page);
  await page.getByRole("button", { name: "1 new post", exact: true }).waitFor();
  await write("Chess at dusk", "public");
  await comeBack(page);
  // without a vector it may stand behind the first page
  await eventually(() => embedded("Chess at dusk"), 1);
  await nextFeed(page, () => page.getByRole("button", { name: "2 new posts", exact: true }).click());
  const shown = await titles(page, 100);
  assert.ok(shown.includes("Chess at dawn") && shown.includes("Chess at dusk"), shown.join());
  assert.equal(await page.getByRole("button", { name: /new posts?$/ }).count(), 0);
  assert.deepEqual(wrong, []);
});

test("two posts with one title are one card, which says that there is another", options, async (t) => {
  await pool.query(
    `insert into public.posts (author_id, title, tags)
     values ($1, 'Kites over the bay', '{kites}'), ($2, 'Kites: over the bay!', '{kites}')`,
    [members.ada, members.rosa],
  );
  await eventually(() => embedded("Kites%"), 2);
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const kites = page.locator("li.post").filter({ has: page.locator("h2", { hasText: "Kites" }) });
  await kites.getByText("and 1 like it").waitFor();
  assert.equal(await kites.count(), 1);
  assert.deepEqual(wrong, []);
});

test("ideas become a draft; where there is no such function, the page says so", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "rosa");
  const answer = (status: number, json: object) =>
    page.route("**/functions/v1/ideas", (route) => route.fulfill({ status, json }));
  await answer(404, { error: { code: "not_found", message: "no such function" } });
  await page.getByRole("link", { name: "Ideas", exact: true }).click();
  await page.getByText("There are no ideas to be had here.").waitFor();
  await page.unroute("**/functions/v1/ideas");
  const why = { people_interested: 20, posts_lately: 6, unanswered: 4 };
  const predicted = { audience: 40, views: 12, votes: 4, comments: 0 };
  const idea = {
    title: "Beds for clay",
    points: ["What grows", "What drowns"],
    tags: ["gardens"],
    topic: { id: 2, label: "soil, a cluster" },
    why,
    predicted,
    fit: 0.8,
    inspired_by: [{ post_id: uuid("d", 1), app_id: uuid("d", 1), title: "Clay in spring" }],
  };
  const needs = [
    { kind: "unanswered", topic: null, posts: [{ ...idea.inspired_by[0], title: "Why does my clay crack?" }] },
    {
      kind: "high_demand",
      topic: { id: 1, label: "ponds" },
      posts: [{ ...idea.inspired_by[0], title: "A pond in a pot" }],
    },
  ];
  const notes = [{ code: "too_few_posts", message: "There are fewer ideas than were asked for." }];
  await answer(200, { model: null, needs, items: [idea], notes });
  await page.getByRole("button", { name: "Ask again" }).click();
  await page
    .getByText(
      "About 20 people interacted with posts of this kind in the last four weeks. 6 were written, 4 of them without a comment so far.",
    )
    .waitFor();
  await page.getByText("There are no more ideas").waitFor();
  const needed = page.getByRole("region", { name: "What is needed here" });
  await needed.getByText("Waiting for a comment for more than two days").waitFor();
  await needed.getByText("Why does my clay crack?").waitFor();
  await needed.getByText("ponds").waitFor();
  await page.getByText("What it comes from").click();
  await page.getByText("Clay in spring").waitFor();
  assert.deepEqual(await seriousIn(page), []);
  const card = page.getByRole("list", { name: "Ideas", exact: true });
  await card.getByText("gardens").waitFor();
  const said = (await card.textContent()) ?? "";
  assert.ok(!said.includes("a cluster"), "a tag that is there, and no topic's label");
  assert.match(said, /Very close to what you read and write/);
  assert.match(said, /hardly any/);
  assert.doesNotMatch(said, /0\.8|of 1\b|about 0/, "words instead of cosines");
  await page.getByRole("button", { name: "Write this Beds for clay" }).click();
  const inForm = async () => [
    await page.getByLabel("Title").inputValue(),
    await page.getByLabel("Text").inputValue(),
    await page.getByLabel("Tags").inputValue(),
  ];
  assert.deepEqual(await inForm(), ["", "", ""], "nothing is written before its writer writes it");
  const taken = page.getByRole("region", { name: "The idea" });
  await taken.getByText("What drowns").waitFor();
  assert.deepEqual(await seriousIn(page), []);
  await taken.getByRole("button", { name: "Take this title" }).click();
  await taken.getByRole("button", { name: "Add tag gardens" }).click();
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  await page.reload();
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  await taken.getByRole("button", { name: "Put it away" }).click();
  await taken.waitFor({ state: "detached" });
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  assert.deepEqual(wrong, []);
});

test(
  "the page shows fresh and popular posts with the progress of the model, then a personal feed",
  options,
  async (t) => {
    await setModel("active", "ready");
    gateway.tell({ state: "running", step: "two-tower training", share: 0.404 });
    const { page, wrong } = await open(t);
    await signInAs(page, gateway.url, "ada");
    await page.getByText("Your model is being trained, 40 %").waitFor();
    await page.getByText("no model yet").waitFor();
    assert.equal(await page.getByRole("progressbar").getAttribute("value"), "40");
    await page.evaluate(() => document.body.setAttribute("data-loaded", "once"));
    gateway.tell({ state: "running", step: "DLRM training", share: 0.75 });
    await page.getByText("Your model is being trained, 75 %").waitFor();
    await setModel("ready", "active");
    gateway.tell({ state: "done" });
    await page.getByText("Your model is trained: from here on it makes your feed.").waitFor();
    await page.locator("aside").getByText("words", { exact: true }).waitFor();
    assert.equal(await page.getByText("being trained").count(), 0);
    assert.equal(await page.getAttribute("body", "data-loaded"), "once", "it was not loaded again");
    assert.deepEqual(wrong, []);
  },
);

test(
  "the page says why a training failed, and keeps the feed; a page opened later says nothing",
  options,
  async (t) => {
    gateway.tell({ state: "failed", reason: "99 first interactions are too few" });
    const { page } = await open(t);
    await page.goto(`${gateway.url}/`);
    await page.getByText("Your model could not be trained: 99 first interactions are too few").waitFor();
    await page.locator("li.post").first().waitFor();
    gateway.tell({ state: "done" });
    await page.reload();
    await page.locator("li.post").first().waitFor();
    assert.equal(await page.getByText(/Your model/).count(), 0);
  },
);

test("which day it is in a community from an archive is said where its dates are", options, async (t) => {
  const { page, wrong } = await open(t);
  await page.goto(`${gateway.url}/`);
  await page.locator("li.post").first().waitFor();
  assert.equal(
    await page.getByText("In this community it is").count(),
    0,
    "of a community of today there is nothing to say",
  );
  await pool.query(
    "update public.posts set created_at = created_at - interval '271 days'; update recsys.settings set clock_shift = interval '271 days'",
  );
  const { rows } = await pool.query(
    "select to_char(recsys.clock(), 'FMMonth FMDD, YYYY') as today, to_char(recsys.clock(), 'Mon FMDD, YYYY') as short",
  );
  const [{ today, short }] = rows;
  await page.reload();
  await page.getByText(`In this community it is ${today}`).waitFor();
  await t.test("in the console, too", async () => {
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    await page.getByText("This community comes from an archive").getByText(short).waitFor();
  });
  assert.deepEqual(wrong, []);
});
