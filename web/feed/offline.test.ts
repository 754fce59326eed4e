/** Without a network a page says so, and keeps what its reader does until there is one again, or until their next visit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seriousIn } from "../testing/axe.ts";
import {
  answerTo,
  card,
  eventually,
  nextFeed,
  press,
  showWhatMoves,
  signInAs,
  titles,
  view,
} from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, open } = await startStories("feed_offline");

const rowsOf = async (sql: string) => (await pool.query({ text: sql, rowMode: "array" })).rows.flat();
const votes = () =>
  rowsOf("select title from public.post_votes join public.posts on posts.id = post_id order by title");
const comments = () => rowsOf("select body from public.comments");
const dismissals = () => rowsOf("select title from recsys.dismissals join public.posts on posts.id = post_id");

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
