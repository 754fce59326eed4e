/** Cards before and after they are opened, and the feed of one topic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { members } from "../testing/community.ts";
import { phone, phoneFaults } from "../testing/phone.ts";
import { nextFeed, press, recommend, signInAs, titles } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { pool, gateway, options, open } = await startStories("feed_cards");
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
