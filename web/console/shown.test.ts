/** The chart of impressions per day, in a real browser: an unmeasured day is a gap, not a zero, and each kind has one colour everywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { signInAs } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("shown_page");

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
