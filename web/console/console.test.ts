/** The console in a real browser, on the real functions: the story of an operator who publishes, looks around and rolls back. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { createReverseScope, testDatabase } from "../../db/testing.ts";
import { keptBrowser, openPage, withoutBrowser } from "../../testing/browser.ts";
import { pickCases } from "../../testing/courses.ts";
import { publishWordModel } from "../../testing/embed.ts";
import { type HeldOutQuality, qualityLine } from "../../trainer/release/gate/held-out-quality.ts";
import { seriousIn } from "../testing/axe.ts";
import { members, servedCommunity } from "../testing/community.ts";
import { openView } from "../testing/console-view.ts";

const scope = createReverseScope({ after });
const options = { skip: withoutBrowser };
const { gateway, ...database } = withoutBrowser
  ? ({} as Awaited<ReturnType<typeof servedCommunity>>)
  : await servedCommunity(scope, "console_page", testDatabase);
const browser = withoutBrowser ? ({} as Browser) : await keptBrowser(scope);

const serving = async () =>
  (await database.pool.query("select name from recsys.models where status = 'active'")).rows[0]?.name;
const panel = (page: Page, title: string) =>
  page.locator("section.panel", { has: page.getByRole("heading", { name: title, exact: true }) });
const go = (page: Page, view: string) =>
  page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();

test("an operator lets a model serve, looks around, and rolls it back", options, async (t) => {
  const { page, wrong } = await openPage(browser, gateway.url);
  t.after(() => page.context().close());

  await t.test("only with a secret key of the project", async () => {
    await page.goto(`${gateway.url}/console/`);
    await page.getByLabel("A secret key of the project").fill(gateway.publishableKey);
    await page.getByRole("button", { name: "Open the console" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByRole("table").count(), 0);
    await page.getByLabel("A secret key of the project").fill(gateway.secretKey);
    await page.getByRole("button", { name: "Open the console" }).click();
    await panel(page, "All models").getByRole("cell", { name: "words", exact: true }).waitFor();
  });

  await t.test("how good training found it is said as the terminal said it", async () => {
    const mrr = { model: 0.66992, baseline: 0.41078, difference: 0.25913, standard_error: 0.02368 };
    const quality: HeldOutQuality = { requests: 500, before_learning: false, from: "", to: "", metrics: { mrr } };
    await database.pool.query(
      "update recsys.models set metrics = metrics || jsonb_build_object('held_out', $1::jsonb) where name = 'words'",
      [JSON.stringify(quality)],
    );
    await page.reload();
    const row = panel(page, "Quality measured in training").getByRole("row", { name: /^words mrr/ });
    const shown = (await row.textContent()) ?? "";
    const printed = qualityLine(quality).match(/\b500\b|\d\.\d{3}|[+−±] ?\d\.\d{3}/g) ?? [];
    assert.deepEqual(printed, ["500", "0.670", "0.411", "+0.259", "± 0.024"]);
    for (const figure of printed) assert.ok(shown.includes(figure), `${figure} in ${shown}`);
  });

  await t.test("where no model served before there is nothing to roll back to", async () => {
    assert.equal(await page.getByRole("button", { name: /^Roll back/ }).count(), 0);
  });

  await t.test("a published model serves after she has said yes", async () => {
    await publishWordModel(database, "next", { seed: 2, activate: false });
    await page.reload();
    await page.getByRole("button", { name: "Activate next" }).click();
    await page.getByRole("button", { name: "No" }).click();
    assert.equal(await serving(), "words");
    await page.getByRole("button", { name: "Activate next" }).click();
    await page.getByRole("button", { name: "Yes" }).click();
    await page.getByText("Done: let next serve instead of words.").waitFor();
    assert.equal(await serving(), "next");
  });

  await t.test("what is wrong is said with its cure, and every number with its SQL", async () => {
    await go(page, "Health");
    const feeds = panel(page, "Health check");
    await feeds.getByText(/serves since/).waitFor();
    await feeds.getByText("SQL", { exact: true }).click();
    assert.equal(await feeds.locator("pre").textContent(), "select * from recsys.health();");
    await panel(page, "Latency").getByText("scores").waitFor();
  });

  await t.test("a post of the map has neighbours, and people who would see it", async () => {
    await go(page, "Posts");
    const dots = panel(page, "Map of the newest 3,000 posts").locator("g[aria-label=dot]").first().locator("circle");
    await dots.first().waitFor();
    assert.equal(await dots.count(), 48);
    await dots.first().click({ force: true });
    await panel(page, "Its neighbours").getByRole("row").getByRole("link").first().waitFor();
    await panel(page, "Who would see it").getByRole("link").first().waitFor();
  });

  await t.test("somebody's feed has every candidate, and a post that is missing its reason", async () => {
    const hidden = await database.pool.query(
      "update public.posts set visibility = 'private' where id = (select id from public.posts where author_id = $1 order by created_at limit 1) returning id",
      [members.ada],
    );
    await go(page, "People");
    await page.getByLabel("Person").fill("rosa");
    await page.getByRole("button", { name: "Show the feed" }).click();
    const posts = page.locator("li details");
    await posts.first().waitFor();
    const onPage = await posts.count();
    await page.getByRole("button", { name: /^All \d+ candidates$/ }).click();
    assert.ok((await posts.count()) > onPage);
    await posts.first().locator("summary").click();
    await page.getByText("post log_age", { exact: true }).waitFor();
    await page.getByLabel("Why is a post missing?").fill(hidden.rows[0].id);
    await page.keyboard.press("Enter");
    await page
      .getByText(/may not see|not visible/i)
      .first()
      .waitFor();
    assert.equal((await database.pool.query("select from recsys.impressions")).rowCount, 0, "nothing was logged");
  });

  await t.test("an experiment is there with its verdict in words", async () => {
    await database.pool.query(
      `select recsys.start_experiment('votes', '[{"name": "control", "share": 0.5}, {"name": "more", "share": 0.5, "settings": {"vote_weight": 2}}]')`,
    );
    await go(page, "Experiments");
    await panel(page, "votes").last().getByText("Nobody has seen a page of it yet.").waitFor();
  });

  await t.test("what an editor pinned is there, with what it changes", async () => {
    await database.pool.query(
      `insert into recsys.promotions (name, post_id, place, starts_at, ends_at)
       select 'From the editors', id, 2, now() + interval '1 hour', now() + interval '1 day' from public.posts limit 1`,
    );
    await go(page, "Promotions");
    await panel(page, "All promotions").getByRole("cell", { name: "From the editors", exact: true }).first().waitFor();
    await panel(page, "What From the editors changes").last().getByRole("cell", { name: "its place then" }).waitFor();
  });

  await t.test("and back", async () => {
    await go(page, "Models");
    await page.getByRole("button", { name: "Roll back next" }).click();
    await page.getByRole("button", { name: "Yes" }).click();
    await page.getByText("Done: let words serve again, and next no more.").waitFor();
    assert.equal(await serving(), "words");
    // what was rolled back is not returned to, so there is nothing before it any more
    await page.getByRole("button", { name: /^Roll back/ }).waitFor({ state: "detached" });
  });
  assert.deepEqual(wrong, []);
});

test("the address with the key opens a console that is there already, too", options, async (t) => {
  const { page } = await openPage(browser, gateway.url);
  t.after(() => page.context().close());
  await page.goto(`${gateway.url}/console/`);
  await page.getByLabel("A secret key of the project").waitFor();
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  await panel(page, "All models").waitFor();
  assert.ok(!page.url().includes("secret"));
});

test("an address that names no view leads to the first", options, async (t) => {
  const { page, wrong } = await openPage(browser, gateway.url);
  t.after(() => page.context().close());
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  await panel(page, "All models").waitFor();
  for (const name of ["nowhere", "constructor", "toString/x"]) {
    await page.goto(`${gateway.url}/console/#${name}`);
    await page.reload();
    await panel(page, "All models").waitFor();
  }
  assert.deepEqual(wrong, []);
});

test("a chart is drawn once its width is known, and again where that changes", options, async (t) => {
  await database.pool.query(
    `insert into recsys.daily_metrics (day, metric, model_id, slice, value, count)
     select recsys.clock()::date - n, metric, 0, head, 0.1, 100
     from generate_series(2, 9) as n, unnest('{rate,shown}'::text[]) as metric, unnest('{view,vote,comment}'::text[]) as head`,
  );
  t.after(() => database.pool.query("truncate recsys.daily_metrics"));
  const { page, wrong } = await openPage(browser, gateway.url, { viewport: { width: 1200, height: 800 } });
  t.after(() => page.context().close());
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  await panel(page, "All models").waitFor();
  const hidden = await page.addStyleTag({ content: ".chart { display: none }" });
  await go(page, "Shown");
  const chart = panel(page, "What came of a post shown").locator(".chart");
  await chart.waitFor({ state: "attached" });
  await page.getByText("One moment …").first().waitFor({ state: "detached" });
  assert.equal(await chart.locator("svg").count(), 0, "of no width nothing is drawn");
  await hidden.evaluate((style) => (style as HTMLStyleElement).remove());
  const widths = () =>
    chart.evaluate((place) => [
      place.clientWidth,
      place.querySelector("svg[viewBox^='0 0'][height='260']")?.clientWidth,
    ]);
  await chart.locator("svg").first().waitFor();
  const [place, drawn] = await widths();
  assert.ok(place && place > 500 && drawn === place, `${drawn} of ${place}`);
  await page.setViewportSize({ width: 700, height: 800 });
  await page.waitForFunction(() => {
    const svg = document.querySelector(".chart svg[height='260']");
    return svg && svg.getAttribute("width") === String(document.querySelector(".chart")?.clientWidth);
  });
  assert.deepEqual(wrong, []);
});

test("axe finds nothing serious in any view", options, async (t) => {
  for (const colorScheme of pickCases(["light", "dark"] as const)) {
    const { page, wrong } = await openPage(browser, gateway.url, { colorScheme });
    t.after(() => page.context().close());
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    await panel(page, "All models").waitFor();
    assert.ok(!page.url().includes("secret"), "the key does not stay in the address");
    for (const view of ["", "health", "shown", "posts", "experiments", `people/${members.rosa}`])
      await t.test(`${view || "models"}, ${colorScheme}`, async () => {
        await openView(page, gateway.url, view);
        assert.deepEqual(await seriousIn(page), []);
      });
    assert.deepEqual(wrong, []);
  }
});
