/** What the readers of stories do on the feed page, and what they look at. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Locator, Page } from "playwright-core";

/** The titles of the first posts of the feed. */
export const titles = (page: Page, count = 5): Promise<string[]> =>
  page.$$eval("li.post h2", (headings, count) => headings.slice(0, count).map((each) => each.textContent ?? ""), count);

/** The card of the post that is called so, not of one whose reason names it. */
export const card = (page: Page, title: string): Locator =>
  page.locator("li.post").filter({ has: page.locator("h2, p", { hasText: new RegExp(`^(Dismissed: )?${title}$`) }) });

/** A button of a post, by the beginning of what it says: "Vote", "Comment", "Not for me". */
export const press = (page: Page, title: string, button: string): Promise<void> =>
  card(page, title)
    .getByRole("button", { name: new RegExp(`^${button}`) })
    .click();

/** Does something after which the page shows another feed, and waits for that. */
export async function nextFeed(page: Page, work: () => Promise<unknown>): Promise<void> {
  const answered = page.waitForResponse(
    // how many posts are new is asked there, too
    (response) =>
      /\/functions\/v1\/recommend$/.test(response.url()) && !response.request().postData()?.includes("count_since"),
  );
  await work();
  await answered;
  await page.locator("ol[aria-busy=false] li.post").first().waitFor();
}

export const showWhatMoves = (page: Page): Promise<void> =>
  nextFeed(page, () => page.getByRole("button", { name: "Show what moves" }).click());

/** As a member of the community on this machine. `site`: its address. */
export async function signInAs(page: Page, site: string, name: string): Promise<void> {
  await page.goto(`${site}/#people`);
  await page.getByRole("searchbox").fill(name);
  await nextFeed(page, () => page.getByRole("button", { name }).click());
}

/** To another view, by its link. */
export async function view(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
}

/** Holds what a page asks of some address until it is let go; how often it was asked. */
export async function hold(page: Page, address: string): Promise<{ asked(): number; letGo(): void }> {
  let asked = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route(address, async (route) => {
    asked++;
    await promise;
    await route.continue();
  });
  return { asked: () => asked, letGo: resolve };
}

/** The answer to the next event of that kind that the page sends. */
export async function answerTo(page: Page, type: string): Promise<void> {
  const response = await page.waitForResponse(
    (response) =>
      response.url().endsWith("/functions/v1/events") &&
      Boolean(response.request().postData()?.includes(`"type":"${type}"`)),
  );
  await response.finished();
}

export const events = "**/functions/v1/events";
export const recommend = "**/functions/v1/recommend";

/** Few posts: axe takes its time for each, and one is like the other. */
export async function shorten(page: Page, posts: number): Promise<void> {
  await page.route(recommend, async (route) => {
    const response = await route.fetch();
    const feed = await response.json();
    await route.fulfill({ response, json: { ...feed, items: feed.items?.slice(0, posts), next: null } });
  });
}

/** Looks until it is as expected: what a page shows at once is stored a moment later. */
export async function eventually(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((over) => setTimeout(over, 50)))
    if (isDeepStrictEqual(await look(), expected)) return;
  assert.deepEqual(await look(), expected);
}
