/** Views of the console in a real browser: the map of the posts, the charts of impressions, and every view on the narrowest phone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { members } from "../testing/community.ts";
import { openView } from "../testing/console-view.ts";
import { onPhones } from "../testing/phone.ts";
import { signInAs } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const stories = await startStories("console_views");
const { gateway, pool, options, open } = stories;

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
  "what a click on the map finds shows in view and in the address; back and a link lead to it",
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

onPhones(stories, async (page, look) => {
  await page.goto(`${gateway.url}/console/`);
  await page.getByLabel("A secret key of the project").waitFor();
  await look("the way in");
  await pool.query(
    `insert into recsys.promotions (name, post_id, place, starts_at, ends_at)
     select 'From the editors', id, 2, now() + interval '1 hour', now() + interval '1 day' from public.posts limit 1`,
  );
  await pool.query(
    "insert into recsys.daily_metrics (day, metric, model_id, slice, value, count) select recsys.clock()::date - 3, 'calibration', 1, act, 1.1, 100 from unnest('{view,vote,comment}'::text[]) as act on conflict do nothing",
  );
  const { rows } = await pool.query("select id from public.posts limit 1");
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  // it reads the key from the address once it has begun, and the next view takes the address
  await page.getByRole("heading", { name: "All models" }).waitFor();
  for (const view of [
    "",
    "health",
    "shown",
    `posts/${rows[0].id}`,
    "experiments",
    "promotions",
    "people",
    `people/${members.rosa}`,
  ]) {
    await openView(page, gateway.url, view);
    const candidate = page.locator("li details summary").first();
    if (view.startsWith("people/")) await candidate.click();
    await look(view || "models");
  }
});

const chart = (page: Page, label: string) => page.getByRole("img", { name: label });
/** How many stretches each line of a chart is drawn in: a path moves its pen once for each. */
const stretches = async (page: Page, label: string) =>
  (
    await chart(page, label)
      .locator("g[aria-label=line] path")
      .evaluateAll((paths) => paths.map((path) => path.getAttribute("d") ?? ""))
  ).map((line) => line.split("M").length - 1);

test("a day on which nothing was shown is not measured as zero, and drawn as a gap", options, async (t) => {
  const { page, wrong } = await open(t);
  await pool.query("update public.posts set created_at = created_at - interval '12 days'");
  // a page of five posts to ada on each of eight days but the third and fourth
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, score, mode, source, shown_at)
     select ('0000000' || day || '-0000-4000-8000-000000000000')::uuid, people.id, posts.id, posts.place, 0.5, 'live', 'fresh', recsys.clock() - day * interval '1 day'
     from (select id from public.profiles where external_id = 'ada') as people
     cross join (values (2), (3), (4), (7), (8), (9)) as days (day)
     cross join (select id, row_number() over (order by created_at) as place from public.posts limit 5) as posts`,
  );
  await pool.query(
    "select recsys_engine.measure_day((recsys.clock() at time zone 'UTC')::date - day) from generate_series(2, 9) as day",
  );
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  await page.getByRole("heading", { name: "All models" }).waitFor();
  await page.goto(`${gateway.url}/console/#shown`);
  for (const label of ["Share of posts viewed, voted for and commented on, by day", "Shares by day"]) {
    await chart(page, label).locator("g[aria-label=line] path").first().waitFor({ state: "attached" });
    const found = await stretches(page, label);
    assert.ok(found.length >= 3, `${label}: ${found.length} lines`);
    assert.deepEqual(new Set(found), new Set([2]), `${label}: ${found}`);
  }
  assert.equal(await chart(page, "Shares by day").locator("g[aria-label=dot]").last().locator("circle").count(), 6 * 4);
  assert.deepEqual(wrong, []);
});

test("an act has one colour in every chart and table, and on the feed page", options, async (t) => {
  const { page, wrong } = await open(t);
  await pool.query("truncate recsys.daily_metrics");
  await pool.query(
    `insert into recsys.daily_metrics (day, metric, model_id, slice, value, count)
     select recsys.clock()::date - n, metric.name, 0, act || metric.rest, 0.2, 100 from generate_series(2, 5) as n, unnest('{dismiss,view,vote,comment}'::text[]) as act,
       (values ('rate', ''), ('rate by position', ' 1'), ('rate by source', ' fresh'), ('calibration', '')) as metric (name, rest)
     where act <> 'dismiss' or metric.rest = ''`,
  );
  await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
  await page.getByRole("heading", { name: "All models" }).waitFor();
  await page.goto(`${gateway.url}/console/#shown`);
  const legend = page.locator(".chart span:has(> svg)");
  await legend.first().waitFor();
  /** Reads the text and the colour next to it. */
  const signed = (of: typeof legend, sign: string, property: "fill" | "backgroundColor") =>
    of.evaluateAll(
      (all, [sign, property]) =>
        all.map((each): [string, string] => {
          const found = each.querySelector(sign) as Element;
          return [(each.textContent ?? "").trim(), getComputedStyle(found)[property as "fill"]];
        }),
      [sign, property],
    );
  const drawn = async (label: string, marks: string, property: "fill" | "stroke") => {
    const all = chart(page, label).locator(marks);
    await all.first().waitFor({ state: "attached" });
    return await all.evaluateAll((all, property) => all.map((each) => getComputedStyle(each)[property]), property);
  };
  const colours = new Map(await signed(legend, "svg", "fill"));
  assert.deepEqual([...colours.keys()], ["view", "vote", "comment", "dismiss"]);
  assert.equal(new Set(colours.values()).size, 4);
  const three = ["view", "vote", "comment"].map((act) => colours.get(act));
  const rates = "Share of posts viewed, voted for and commented on, by day";
  assert.deepEqual(
    new Set(await drawn(rates, "g[aria-label=line] path", "stroke")),
    new Set(colours.values()),
    "lines",
  );
  for (const by of ["position", "source"])
    assert.deepEqual(await drawn(`Rate by ${by}`, "g[aria-label=bar] rect", "fill"), three, `bars by ${by}`);
  const table = await signed(page.locator("td .act"), "i", "backgroundColor");
  assert.deepEqual(new Map(table), new Map([...colours].toSorted()), "a table");

  await signInAs(page, gateway.url, "ben");
  const predicted = page.locator("li.post .predicted").first().locator("div");
  const card = await signed(predicted, "i", "backgroundColor");
  assert.deepEqual(
    card.map(([, colour]) => colour),
    three,
    "a card",
  );
  assert.deepEqual(wrong, []);
});
