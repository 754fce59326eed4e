/** The feed page on the narrowest phone: every view fits, nothing is too small for a thumb, and nothing moves away under it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { onPhones, phone } from "../testing/phone.ts";
import { shorten } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const stories = await startStories("phone_page");
const { gateway, pool, options, open } = stories;
if (!options.skip)
  await pool.query("update public.profiles set external_id = 'ben of the kites' where external_id = 'ben'");

const home = (route = "feed") => `${gateway.url}/#${route}`;
const posts = (page: Page) => page.locator("li.post");
const interests = (page: Page) => page.getByRole("region", { name: "What do you care about?" });
const chipsOf = (page: Page) => () => interests(page).locator("button[aria-pressed]").allTextContents();

onPhones(stories, async (page, look) => {
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
  await look("an open post, and what was done since");
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
  assert.deepEqual(await chips(), [...before, "kites"], "what was taken back can be picked again");
  await section.getByRole("button", { name: "kites" }).click();
  await page.reload();
  await section.getByRole("button", { name: "gardens" }).waitFor();
  assert.deepEqual(await chips(), [...before, "kites"]);
  assert.equal(await section.getByRole("button", { name: before[1] }).getAttribute("aria-pressed"), "true");
});

test(
  "of many interests a few leave room for the feed; what was picked of the others is among them",
  options,
  async (t) => {
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
  },
);
