/** The map of the posts in a real browser: what a click finds comes into view, and is in the address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { startStories } from "../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("post_map_page");

const dots = (page: Page) => page.locator("g[aria-label=dot]").first().locator("circle");
const found = (page: Page) => page.getByRole("region", { name: "The post" });
const asked = (page: Page) => /#posts\/([\da-f-]{36})$/.exec(page.url())?.[1];
/** Waits until the result is where the operator looks, and has the focus, which is what a screen reader reads out. */
async function isInView(page: Page, title: string): Promise<void> {
  await found(page).locator("strong:focus", { hasText: title }).waitFor();
  const { y = -1 } = (await found(page).locator("strong").first().boundingBox()) ?? {};
  const { height } = page.viewportSize() ?? { height: 0 };
  assert.ok(y >= 0 && y < height / 2, `“${title}” is at ${y} of ${height}`);
}

test(
  "what a click on the map finds comes into view and into the address; back and a link lead to it",
  options,
  async (t) => {
    const { page, wrong } = await open(t, { viewport: { width: 1000, height: 600 } });
    const titleOf = async (id = "") =>
      (await pool.query("select title from public.posts where id = $1", [id])).rows[0]?.title;
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    await page.getByRole("link", { name: "Posts", exact: true }).click();
    await dots(page).nth(5).click({ force: true });
    await page.waitForURL(/#posts\/./);
    const first = asked(page);
    await isInView(page, await titleOf(first));

    let questions = 0;
    page.on("request", (request) => {
      if (request.postData()?.includes('"map"')) questions++;
    });
    await dots(page).nth(30).click({ force: true });
    await page.waitForURL((url) => !url.href.endsWith(String(first)));
    const second = asked(page);
    assert.notEqual(second, first);
    await isInView(page, await titleOf(second));
    assert.equal(questions, 0, "the map stays, and is not asked for again");

    await page.goBack();
    await isInView(page, await titleOf(first));
    assert.equal(await page.getByLabel("its id, or click it on the map").inputValue(), first);

    await t.test("a neighbour is a link, too", async () => {
      // whom it may interest are links as well, and may come first
      const neighbour = page.getByRole("table", { name: "Neighbours" }).getByRole("link").first();
      const title = (await neighbour.textContent()) ?? "";
      await neighbour.click();
      await isInView(page, title);
      assert.equal(await titleOf(asked(page)), title);
    });

    await t.test("the address, opened again, shows the same, below a map that came later", async () => {
      await page.route("**/console", async (route) => {
        if (route.request().postData()?.includes('"map"')) await found(page).locator("strong:focus").waitFor();
        await route.continue();
      });
      await page.goto(`${gateway.url}/console/#posts/${second}`);
      await page.reload();
      await dots(page).first().waitFor();
      await page.getByText("One moment …").first().waitFor({ state: "detached" });
      await isInView(page, await titleOf(second));
    });

    await t.test("an id that is none says so", async () => {
      await page.getByLabel("its id, or click it on the map").fill("chess");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").getByText("“chess” is no id of a post.").waitFor();
    });
    assert.deepEqual(wrong, []);
  },
);
