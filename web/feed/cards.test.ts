/** Cards before and after they are opened, and the feed of one topic; every view on the narrowest phone, where nothing moves away under a thumb. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { members } from "../testing/community.ts";
import { onPhones, phone, phoneFaults } from "../testing/phone.ts";
import { nextFeed, press, recommend, shorten, signInAs, titles } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const stories = await startStories("feed_cards");
const { pool, gateway, options, openFresh: open } = stories;
if (!options.skip)
  await pool.query("update public.profiles set external_id = 'ben of the kites' where external_id = 'ben'");

const home = (route = "feed") => `${gateway.url}/#${route}`;
const posts = (page: Page) => page.locator("li.post");
const interests = (page: Page) => page.getByRole("region", { name: "What do you care about?" });
const chipsOf = (page: Page) => () => interests(page).locator("button[aria-pressed]").allTextContents();

onPhones({ ...stories, open }, async (page, look) => {
  await shorten(page, 6);
  await page.goto(home());
  await posts(page).first().waitFor();
  await look("a visitor's feed");
  await page.goto(home("people"));
  await page.getByRole("button", { name: "ben" }).waitFor();
  await look("the people");
  await page.getByRole("button", { name: "ben" }).click();
  await page.locator("li.post .acts").first().waitFor();
  await look("a member's feed");
  for (const [n, name] of [/^Vote/, /^Comment/, /^Vote/].entries())
    await posts(page).nth(n).getByRole("button", { name }).click();
  await page.getByLabel("Your comment").waitFor();
  for (const menu of ["Follow", "Mute"]) await posts(page).nth(1).locator("summary", { hasText: menu }).click();
  await page.getByRole("button", { name: "Show what moves" }).waitFor();
  await look("an open post, with changes since");
  await posts(page)
    .nth(3)
    .getByRole("button", { name: /^Not for me/ })
    .click();
  await posts(page).first().scrollIntoViewIfNeeded();
  await look("a vote, and a post that was dismissed");
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await look("offline");
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Show what moves" }).click();
  await page.getByRole("region", { name: "What moved" }).waitFor();
  await look("what moved");
  for (const view of ["write", "ideas", "you"]) {
    await page.goto(home(view));
    await page.locator("form, li.card, p.card").first().waitFor();
    await look(view);
  }
});

test("a visitor's interests stay where they are while they are picked, their own at the end", options, async (t) => {
  const { page } = await open(t, { viewport: phone, hasTouch: true });
  await page.goto(home());
  const section = interests(page);
  const chips = chipsOf(page);
  await section.getByRole("button", { name: "gardens" }).waitFor();
  const before = await chips();
  assert.deepEqual([...before].sort(), ["chess", "gardens"]);
  await section.getByRole("button", { name: before[1] }).click();
  assert.deepEqual(await chips(), before);
  await section.getByLabel("Another interest").fill("kites");
  await page.keyboard.press("Enter");
  assert.deepEqual(await chips(), [...before, "kites"]);
  await section.getByRole("button", { name: "kites" }).click();
  assert.deepEqual(await chips(), [...before, "kites"], "a removed interest can be picked again");
  await section.getByRole("button", { name: "kites" }).click();
  await page.reload();
  await section.getByRole("button", { name: "gardens" }).waitFor();
  assert.deepEqual(await chips(), [...before, "kites"]);
  assert.equal(await section.getByRole("button", { name: before[1] }).getAttribute("aria-pressed"), "true");
});

test("a few of many interests are shown, with each picked one among them", options, async (t) => {
  const { page } = await open(t, { viewport: phone, hasTouch: true });
  await pool.query(
    `update public.posts set tags = tags || array['philosophy of science ' || ranked.n % 12]
     from (select id, row_number() over (order by title) as n from public.posts) as ranked where ranked.id = posts.id`,
  );
  t.after(() => pool.query("update public.posts set tags = tags[1:1]"));
  await page.goto(home());
  const chips = chipsOf(page);
  await interests(page).getByRole("button", { name: "gardens" }).waitFor();
  const few = await chips();
  const { height = 0 } = (await interests(page).boundingBox()) ?? {};
  assert.ok(height < 0.75 * phone.height, `${height} of ${phone.height}`);
  await interests(page).getByRole("button", { name: "More" }).click();
  const all = await chips();
  assert.deepEqual([all.length, all.slice(0, few.length)], [14, few]);
  await interests(page).getByRole("button", { name: all[12] }).click();
  await interests(page).getByRole("button", { name: "Fewer" }).click();
  assert.deepEqual(await chips(), [...few, all[12]]);
  await page.reload();
  await interests(page).getByRole("button", { name: "gardens" }).waitFor();
  assert.deepEqual(await chips(), [...few, all[12]]);
});

const text = `${"Mate in three moves, and then tea. ".repeat(30)}`;
const describe = () =>
  pool.query(
    "update public.posts set description = $1, tags = tags[1:1] || array['a tag of many letters, more than there is room for'] ",
    [text],
  );

for (const [screen, viewport] of [
  ["desktop", { width: 1280, height: 800 }],
  ["phone", phone],
] as const)
  test(
    `a card says who wrote it, how long ago, and begins the text in two lines, on a ${screen}`,
    options,
    async (t) => {
      await describe();
      const { page, wrong } = await open(t, { viewport });
      await signInAs(page, gateway.url, "ben");
      const first = page.locator("li.post").first();
      await first.getByText(/^(ada|rosa)$/).waitFor();
      assert.match((await first.locator(".byline").textContent()) ?? "", /^(ada|rosa) · \d+ hours? ago$/);
      const excerpt = first.locator(".excerpt");
      assert.match((await excerpt.textContent()) ?? "", /^Mate in three moves, .*…$/);
      const lines = await excerpt.evaluate(
        (each) => each.clientHeight / Number.parseFloat(getComputedStyle(each).lineHeight),
      );
      assert.equal(Math.round(lines), 2);
      if (screen === "phone") assert.deepEqual(await phoneFaults(page), []);
      if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/cards-${screen}.png` });
      await first.locator(".title").click();
      assert.equal(await excerpt.count(), 0, "opened, it is there as a whole");
      assert.deepEqual(wrong, []);
    },
  );

test("a topic's chip shows its posts alone, on all pages, until all are wanted again", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ben");
  await nextFeed(page, () => page.getByRole("button", { name: "Only posts about gardens" }).first().click());
  await page.getByText("Only posts about gardens").first().waitFor();
  const shown = await titles(page, 50);
  assert.ok(shown.length >= 20 && shown.every((title) => title.startsWith("Garden")), shown.join());
  await page.locator("button:focus", { hasText: "Show all" }).waitFor();
  await nextFeed(page, () => page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded());
  await page.locator("li.post").nth(21).waitFor();
  const more = await titles(page, 50);
  assert.ok(more.length > shown.length);
  assert.ok(more.every((title) => title.startsWith("Garden")));
  const asked = page.waitForRequest(recommend);
  await nextFeed(page, () => page.getByRole("button", { name: "Show all" }).click());
  assert.deepEqual((await asked).postDataJSON(), { limit: 20 });
  assert.equal(await page.getByRole("button", { name: "Show all" }).count(), 0);
  assert.deepEqual(wrong, []);
});

test(
  "the chips of an open post show their posts alone, too; where none is left, the page says of what",
  options,
  async (t) => {
    const { page } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const first = page.locator("li.post").first();
    await first.locator(".title").click();
    const chip = first.locator(".opened button.chip").first();
    const tag = (await chip.textContent())?.replace("Only posts about ", "");
    await nextFeed(page, () => chip.click());
    await page.route(recommend, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), items: [], next: null } });
    });
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText(`Nothing about ${tag} is left that is new to you.`).waitFor();
  },
);

test(
  "a chip that is pressed without a network takes nothing away, and does its work when there is one",
  options,
  async (t) => {
    const { page } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const before = await titles(page, 20);
    const answered = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/recommend"));
    await page.context().setOffline(true);
    const chip = page.locator("li.post").nth(9).locator("button.chip").first();
    const tag = (await chip.textContent())?.replace("Only posts about ", "");
    await chip.click();
    await answered;
    await page.waitForTimeout(300);
    assert.deepEqual(await titles(page, 20), before);
    assert.equal(await page.getByRole("button", { name: "Show all" }).count(), 0);
    await nextFeed(page, () => page.context().setOffline(false));
    await page.getByRole("status").getByText(`Only posts about ${tag}`).waitFor();
    assert.equal(await page.evaluate(() => scrollY), 0, "the new feed begins at its top");
  },
);

test("where a chip's feed fails the reader is told where they are", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  await page.route(recommend, (route) => route.abort(), { times: 1 });
  const chip = page.locator("li.post").nth(9).locator("button.chip").first();
  await chip.click();
  const trouble = page.getByRole("alert");
  await trouble.waitFor();
  const { y = -1 } = (await trouble.boundingBox()) ?? {};
  assert.ok(y > 0 && y < 800, `at ${y}`);
  await nextFeed(page, () => trouble.getByRole("button", { name: "Ask again" }).click());
  await page.getByRole("button", { name: "Show all" }).waitFor();
});

test("a comment says who wrote it, as far as its reader may know, and how long ago", options, async (t) => {
  await pool.query(
    `insert into public.comments (user_id, post_id, body, created_at)
     select people.id, posts.id, people.body, now() - people.ago from public.posts
     cross join (values ($1::uuid, 'Take the rook.', interval '3 hours'), ($2, 'Dig first.', interval '2 days')) as people (id, body, ago)`,
    [members.ada, members.rosa],
  );
  await pool.query(
    `alter policy "anyone signed in reads profiles" on public.profiles using (external_id is distinct from 'rosa')`,
  );
  t.after(async () => {
    await pool.query(`alter policy "anyone signed in reads profiles" on public.profiles using (true)`);
    await pool.query("delete from public.comments");
  });
  const { page, wrong } = await open(t, { viewport: phone });
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  await press(page, title, "Comment");
  const comments = page.getByRole("list", { name: "Comments" }).getByRole("listitem");
  await comments.nth(1).waitFor();
  assert.deepEqual(await comments.locator("p").allTextContents(), [
    "ada · 3 hours ago",
    "Take the rook.",
    "2 days ago",
    "Dig first.",
  ]);
  assert.deepEqual(await phoneFaults(page), []);
  assert.deepEqual(wrong, []);
});

test("a visitor's cards name nobody, and have chips as well", options, async (t) => {
  const { page } = await open(t);
  await page.goto(`${gateway.url}/#feed`);
  // titles come first, and what else is known of a post with a second answer
  await page.locator(".byline", { hasText: "a member" }).first().waitFor();
  assert.match((await page.locator(".byline").first().textContent()) ?? "", /^a member · \d+ (hour|minute|day)s? ago$/);
  await nextFeed(page, () => page.getByRole("button", { name: "Only posts about chess" }).first().click());
  assert.ok((await titles(page)).every((title) => title.startsWith("Chess")));
});

test("what is written from right to left is shown so, within sentences from left to right", options, async (t) => {
  await pool.query("update public.posts set title = 'رحلة إلى باريس: 3 أيام؟ ' || title, description = 'نص عربي طويل'");
  const { page, wrong } = await open(t, { viewport: phone });
  await signInAs(page, gateway.url, "ben");
  const first = page.locator("li.post").first();
  const directionOf = (selector: string) =>
    first.locator(selector).evaluate((each) => getComputedStyle(each).direction);
  await first.locator(".byline bdi").waitFor();
  assert.equal(await directionOf(".title"), "rtl");
  assert.equal(await directionOf(".excerpt"), "rtl");
  assert.equal(await directionOf(".byline"), "ltr");
  assert.deepEqual(await phoneFaults(page), []);
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/right-to-left.png` });
  await first.getByRole("button", { name: "Not for me" }).click();
  await page.locator("li", { hasText: "Dismissed:" }).first().waitFor();
  assert.equal(
    await page
      .locator("li p:has(strong) bdi")
      .first()
      .evaluate((each) => getComputedStyle(each).direction),
    "rtl",
  );
  assert.deepEqual(wrong, []);
});
