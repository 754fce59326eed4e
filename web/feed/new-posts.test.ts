/** "2 new posts": a reader is told of what was written since their feed was made, and gets it when they press. An editor's pin is said to be one, and one conversation is one card. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { members } from "../testing/community.ts";
import { card, eventually, nextFeed, signInAs, titles } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, open } = await startStories("feed_new_posts");

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

test("a reader is told how many posts are new, and loads them", options, async (t) => {
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
