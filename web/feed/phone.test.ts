/** The feed page on the narrowest phone: every view fits, nothing is too small for a thumb, and nothing moves away under it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { seriousIn } from "../testing/axe.ts";
import { openPage, startBrowser, withoutBrowser } from "../testing/browser.ts";
import { servedCommunity } from "../testing/community.ts";
import { phone, phoneFaults } from "../testing/phone.ts";

const cleanings: (() => Promise<void>)[] = [];
const scope = { after: (clean: () => Promise<void>) => cleanings.unshift(clean) };
after(async () => {
  for (const clean of cleanings) await clean();
});
const options = { skip: withoutBrowser };
const { gateway, pool } = withoutBrowser
  ? ({} as Awaited<ReturnType<typeof servedCommunity>>)
  : await servedCommunity(scope, "phone_page");
const browser = withoutBrowser ? ({} as Browser) : await startBrowser();
if (!withoutBrowser) scope.after(() => browser.close());

if (!withoutBrowser) await pool.query("update public.profiles set external_id = 'ben of the kites' where external_id = 'ben'");

const home = (route = "feed") => `${gateway.url}/#${route}`;
const posts = (page: Page) => page.locator("li.post");

for (const colorScheme of ["light", "dark"] as const)
  test(`every view fits a phone 320 pixels wide, ${colorScheme}`, options, async (t) => {
    const { page, wrong } = await openPage(browser, gateway.url, { colorScheme, viewport: phone, hasTouch: true });
    t.after(() => page.context().close());
    const look = async (view: string) =>
      await t.test(view, async () => {
        assert.deepEqual(await phoneFaults(page), []);
        assert.deepEqual(await seriousIn(page, "color-contrast", "target-size"), []);
      });
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
    await posts(page).nth(1).locator("summary").click();
    await page.getByRole("button", { name: "Show what moves" }).waitFor();
    await look("an open post, and what was done since");
    await page.getByRole("button", { name: "Show what moves" }).click();
    await page.getByRole("region", { name: "What moved" }).waitFor();
    await look("what moved");
    for (const view of ["write", "ideas", "you"]) {
      await page.goto(home(view));
      await page.locator("form, li.card, p.card").first().waitFor();
      await look(view);
    }
    assert.deepEqual(wrong, []);
  });

test("a visitor's interests stay where they are while they are picked, their own at the end", options, async (t) => {
  const { page } = await openPage(browser, gateway.url, { viewport: phone, hasTouch: true });
  t.after(() => page.context().close());
  await page.goto(home());
  const section = page.getByRole("region", { name: "What do you care about?" });
  const chips = () => section.locator("button[aria-pressed]").allTextContents();
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
