/** A reader looks at other views, goes back and forth and reloads: what they did, what is open and where they were stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { members } from "../testing/community.ts";
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

const { options, gateway, pool, open, lines } = await startStories("feed_between_views");

const votesOf = async (person: string) =>
  (
    await pool.query("select title from public.post_votes join public.posts on posts.id = post_id where user_id = $1", [
      person,
    ])
  ).rows;

test("a vote, a dismissal and an open post are there after another view, and can be taken back", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ada");
  const [voted, dismissed, opened] = await titles(page, 3);
  await press(page, voted, "Vote");
  await press(page, dismissed, "Not for me");
  await press(page, opened, "Comment");
  await card(page, opened).getByLabel("Your comment").waitFor();
  await view(page, "Ideas");
  await page.getByRole("heading", { name: "Ideas for you" }).waitFor();
  await view(page, "Feed");
  await page.getByText(`Dismissed: ${dismissed}`).waitFor();
  assert.deepEqual(await titles(page, 2), [voted, opened], "the dismissed post does not return");
  await card(page, opened).getByLabel("Your comment").waitFor();
  await press(page, voted, "Voted");
  await card(page, voted).getByRole("button", { name: "Vote for", pressed: false }).waitFor();
  await press(page, dismissed, "Undo");
  await press(page, opened, "Close");
  assert.deepEqual(await titles(page, 3), [voted, dismissed, opened]);
  await eventually(() => votesOf(members.ada), []);
  await eventually(async () => (await pool.query("select from recsys.dismissals")).rowCount, 0);
  assert.deepEqual(wrong, []);
});

test("the feed goes on where its reader left it, by a link, by back and by forth", options, async (t) => {
  const { page } = await open(t, { viewport: { width: 320, height: 640 } });
  await signInAs(page, gateway.url, "ben");
  await nextFeed(page, () => page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded());
  // their authors come after the posts, and on a narrow screen take a line
  await page.locator("li.post .byline bdi").nth(39).waitFor();
  // a post above that is as long as its text and comments
  const [first] = await titles(page, 1);
  await page.locator("li.post").first().getByRole("button", { name: first, exact: true }).click();
  await page.getByLabel("Your comment").waitFor();
  const post = page.locator("li.post").nth(24);
  await post.evaluate((element) => scrollTo(0, scrollY + element.getBoundingClientRect().top - 100));
  const topOf = async () => Math.round((await post.boundingBox())?.y ?? -1);
  const before = await topOf();
  const isThere = async (how: string) => {
    await post.waitFor();
    await page.waitForTimeout(300);
    assert.ok(Math.abs((await topOf()) - before) <= 2, `${how}: at ${await topOf()} instead of ${before}`);
    assert.equal(await page.locator("li.post").count(), 40, `${how}: both pages`);
  };
  await view(page, "Write");
  await page.locator("h1:focus", { hasText: "Write a post" }).waitFor();
  assert.equal(await page.evaluate(() => scrollY), 0, "another view begins at its top");
  await view(page, "Feed");
  await isThere("by the link");
  await view(page, "Ideas");
  await page.getByRole("heading", { name: "Ideas for you" }).waitFor();
  await page.goBack();
  await isThere("back");
  await page.goForward();
  await page.getByRole("heading", { name: "Ideas for you" }).waitFor();
  await page.goBack();
  await isThere("back again");
  // a keyboard goes on from there, too
  const focused = await page.evaluate(() => document.activeElement?.closest("li.post")?.getBoundingClientRect().bottom);
  assert.ok(focused !== undefined && focused > 0 && focused < 640, `the focus is at ${focused}`);
});

test("what moved is right after a vote, another view and a vote taken back there", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ada");
  const [first, second, third] = await titles(page, 3);
  await press(page, first, "Vote");
  await press(page, second, "Vote");
  await view(page, "ada");
  const list = page.getByRole("region", { name: "Voted for" });
  await list.getByRole("button", { name: `Voted for ${first}` }).click();
  await view(page, "Feed");
  await page.getByText(`Since this feed was made you voted for “${second}”.`).waitFor();
  await press(page, third, "Not for me");
  await press(page, third, "Undo");
  await showWhatMoves(page);
  const moved = page.getByRole("region", { name: "What moved" });
  assert.match(
    (await moved.textContent()) ?? "",
    new RegExp(`you voted for “${second}”\\..*left the feed${second} was at place 2 · You voted for it`, "s"),
  );
  const now = await titles(page, 100);
  assert.deepEqual([now.includes(first), now.includes(second), now.includes(third)], [true, false, true]);
  assert.deepEqual(await votesOf(members.ada), [{ title: second }]);
  await t.test("looked at again it is no news: the reader stays where they were", async () => {
    await page.locator("li.post").nth(9).scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => scrollY);
    await view(page, "Write");
    await view(page, "Feed");
    await page.locator("li.post").nth(9).waitFor();
    assert.ok(Math.abs((await page.evaluate(() => scrollY)) - before) <= 2);
  });
  await t.test("after a reload the vote is in the list, and is cast again where it was taken back", async () => {
    await page.reload();
    await page.locator("li.post").first().waitFor();
    await view(page, "ada");
    await list.getByRole("button", { name: `Voted for ${second}` }).click();
    await list.getByRole("button", { name: `Vote for ${second}`, pressed: false }).click();
    await list.getByRole("button", { name: `Voted for ${second}`, pressed: true }).waitFor();
    await eventually(() => votesOf(members.ada), [{ title: second }]);
  });
});

test(
  "the tag of a feed is in the address: a reload keeps it, back and forth and a link lead to it",
  options,
  async (t) => {
    const { page, wrong } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const only = (tag: string) => page.getByRole("status").getByText(`Only posts about ${tag}`);
    const hasTag = (tag: string | null) => eventually(async () => new URL(page.url()).searchParams.get("tag"), tag);
    await nextFeed(page, () => page.locator("li.post button.chip", { hasText: "gardens" }).first().click());
    await only("gardens").waitFor();
    await hasTag("gardens");
    await page.locator("button:focus", { hasText: "Show all" }).waitFor();
    await nextFeed(page, () => page.reload());
    await only("gardens").waitFor();
    assert.equal(await page.locator("button:focus").count(), 0, "who opens an address begins at its top");
    await view(page, "Write");
    await view(page, "Feed");
    await only("gardens").waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "Show all" }).click());
    await hasTag(null);
    await nextFeed(page, () => page.goBack());
    await only("gardens").waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
    await only("gardens").waitFor();
    await nextFeed(page, () => page.goForward());
    await only("gardens").waitFor({ state: "detached" });
    await hasTag(null);
    await nextFeed(page, () => page.goto(`${gateway.url}/?tag=chess#feed`));
    await only("chess").waitFor();
    assert.deepEqual(wrong, []);
  },
);

test(
  "what moved lists what came and rose in whole words, and of what went says no more than a line",
  options,
  async (t) => {
    const { page } = await open(t, { viewport: { width: 375, height: 800 } });
    t.after(() => pool.query("delete from public.post_votes where user_id = $1", [members.ben]));
    await signInAs(page, gateway.url, "ben");
    await press(page, (await titles(page, 1))[0], "Vote");
    await page.getByRole("button", { name: "Show what moves" }).waitFor();
    await showWhatMoves(page);
    const moved = page.getByRole("region", { name: "What moved" });
    assert.match(
      (await moved.getByRole("heading", { level: 2 }).textContent()) ?? "",
      /^What moved: (\d+ new|\d+ up|\d+ new, \d+ up)$/,
    );
    assert.equal(await moved.getByRole("heading", { level: 3, name: /Gone|Down/ }).count(), 0);
    assert.match(
      (await moved.locator("> details summary").textContent()) ?? "",
      /^(\d+ went down and )?\d+ left the feed$/,
    );
    // as a screen reader has them: a title, where it is now, and why
    const lines = await moved.getByRole("listitem").allTextContents();
    assert.ok(lines.length > 0);
    for (const line of lines)
      assert.match(line, /^(Chess puzzle|Garden bed) \d+ (at|past \d+ posts? to) place \d+ · [A-Z]/);
  },
);

test("a feed of one tag knows of the vote before it: nothing is left to be shown", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  await press(page, title, "Vote");
  await page.getByText("Since this feed was made").waitFor();
  await nextFeed(page, () => page.locator("li.post button.chip").first().click());
  assert.ok(!(await titles(page, 100)).includes(title));
  assert.equal(await page.getByText("Since this feed was made").count(), 0);
  await pool.query("delete from public.post_votes where user_id = $1", [members.ben]);
});

test("a dismissal is undone after its post has left the feed, too", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  await press(page, title, "Not for me");
  await showWhatMoves(page);
  assert.ok(!(await titles(page, 100)).includes(title));
  const moved = page.getByRole("region", { name: "What moved" });
  await moved.getByRole("button", { name: `Undo that you dismissed ${title}` }).click();
  await page.getByText(`Since this feed was made you took back that you dismissed “${title}”.`).waitFor();
  await showWhatMoves(page);
  assert.ok((await titles(page, 100)).includes(title));
  assert.equal((await pool.query("select from recsys.dismissals")).rowCount, 0);
});

test(
  "the list of votes has them all, a page at a time, and stays in order when one is taken back",
  options,
  async (t) => {
    const { page } = await open(t);
    // of 25 posts one was voted against, and one was voted for twice
    await pool.query(
      `insert into public.post_votes (user_id, post_id, value, created_at)
     select $1::uuid, id, case when n = 7 then -1 end, now() - n * interval '1 minute'
     from (select id, row_number() over (order by title) as n from public.posts) as numbered where n <= 25
     union all select $1::uuid, id, null, now() - interval '1 second' from (select id from public.posts order by title offset 2 limit 1) as third`,
      [members.ben],
    );
    t.after(() => pool.query("delete from public.post_votes where user_id = $1", [members.ben]));
    const { rows } = await pool.query("select title from public.posts order by title limit 25");
    const all = rows.map(({ title }) => title).filter((_, i) => i !== 6);
    const expected = [all[2], ...all.filter((_, i) => i !== 2)];
    await signInAs(page, gateway.url, "ben");
    await view(page, "ben");
    const list = page.getByRole("region", { name: "Voted for" });
    const listed = () => list.locator("li span[dir]").allTextContents();
    await list.getByRole("button", { name: "Earlier votes" }).click();
    await eventually(listed, expected);
    assert.equal(await list.getByRole("button", { name: "Earlier votes" }).count(), 0);
    await list.getByRole("button", { name: `Voted for ${expected[4]}`, exact: true }).click();
    await eventually(async () => (await votesOf(members.ben)).length, 25);
    // the list is read again once that is stored
    await page.waitForTimeout(300);
    assert.deepEqual(await listed(), expected);
  },
);

test("a vote that was cast elsewhere is pressed in a feed that has its post", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  // in another tab, between this feed and its next page; shown by a reload of an answer that is the same
  await pool.query(
    "insert into public.post_votes (user_id, post_id) select $1, id from public.posts where title = $2",
    [members.ben, title],
  );
  const { rows } = await pool.query("select id from public.posts where title = $1", [title]);
  await page.route("**/functions/v1/recommend", async (route) => {
    const response = await route.fetch();
    const feed = await response.json();
    const items = [{ ...feed.items[0], post_id: rows[0].id, title }];
    await route.fulfill({ response, json: { ...feed, items, next: null } });
  });
  await page.reload();
  await press(page, title, "Voted");
  await card(page, title).getByRole("button", { name: "Vote for", pressed: false }).waitFor();
  await eventually(() => votesOf(members.ben), []);
});

test("mutes are undone where they were made, and in all posts of the same author", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [first, other] = await page.$$eval("li.post", (posts) =>
    posts
      .filter((post) => post.textContent?.includes("Garden"))
      .map((post) => post.querySelector("h2")?.textContent ?? ""),
  );
  const menu = (title: string) => card(page, title).locator("summary", { hasText: "Mute" }).click();
  await menu(first);
  await press(page, first, "Mute rosa");
  await page.getByText("Since this feed was made you muted rosa.").waitFor();
  await view(page, "Write");
  await view(page, "Feed");
  await menu(other);
  await press(page, other, "Muted rosa · Undo");
  await card(page, other).getByRole("button", { name: "Mute rosa" }).waitFor();
  await eventually(async () => (await pool.query("select from public.mutes")).rowCount, 0);
  assert.equal(await page.getByText("Since this feed was made").count(), 0, "nothing is left of it");
});

test("whom one follows at a post is in the next feed, and whom one unfollows no longer", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = (await titles(page, 48)).filter((title) => title.startsWith("Garden"));
  const byRosa = () => page.getByText("By rosa, whom you follow").count();
  assert.equal(await byRosa(), 0);
  await card(page, title).locator("summary", { hasText: "Follow" }).click();
  await press(page, title, "Follow rosa");
  await page.getByText("Since this feed was made you followed rosa.").waitFor();
  await showWhatMoves(page);
  assert.ok((await byRosa()) > 0);
  const opened = answerTo(page, "view");
  await card(page, title).getByRole("button", { name: title, exact: true }).click();
  await opened;
  await page.reload();
  await page.getByText("By rosa, whom you follow").first().waitFor();
  await view(page, "ben");
  const suggestions = page.getByRole("region", { name: "Whom and what to follow" });
  const gardens = suggestions.getByRole("listitem").filter({ hasText: "#gardens" });
  await gardens.getByText(/^You read \d+ posts? about it$/).waitFor();
  assert.equal(await suggestions.getByText("rosa").count(), 0, "she is followed");
  await suggestions.getByRole("button", { name: "Follow #gardens" }).click();
  await suggestions.getByRole("button", { name: "Following #gardens", pressed: true }).waitFor();
  const followed = page.getByRole("region", { name: "You follow" });
  await followed.getByRole("button", { name: "#gardens unfollow" }).waitFor();
  await followed.getByRole("button", { name: "rosa unfollow" }).click();
  const targets = async () => (await pool.query("select kind, target from public.follows")).rows;
  await eventually(targets, [{ kind: "topic", target: "gardens" }]);
  await view(page, "Feed");
  await showWhatMoves(page);
  assert.equal(await byRosa(), 0);
  await pool.query("delete from public.follows");
});

test("a group is suggested where the app lets its follows be read", options, async (t) => {
  t.after(() => pool.query("drop policy open on public.follows; delete from public.follows"));
  await pool.query("create policy open on public.follows for select to authenticated using (kind = 'group')");
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'group', 'chess')", [members.rosa]);
  await pool.query(
    "insert into public.post_views (user_id, post_id) select $1, id from public.posts where title = 'Chess puzzle 1'",
    [members.ben],
  );
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  await view(page, "ben");
  const suggestions = page.getByRole("region", { name: "Whom and what to follow" });
  const group = suggestions.getByRole("listitem").filter({ hasText: "“chess”" });
  await group.getByText(/^You read \d+ posts? in it$/).waitFor();
  await group.getByRole("button", { name: "Follow “chess”" }).click();
  const own = () => pool.query("select kind, target from public.follows where user_id = $1", [members.ben]);
  await eventually(async () => (await own()).rows, [{ kind: "group", target: "chess" }]);
});

test("none of this put a line into the log of the functions", options, () => assert.deepEqual(lines, []));
