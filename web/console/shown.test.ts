/** What was shown, day by day, in a real browser: a day that was not measured is a gap, and no zero. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
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
  for (const label of ["Rate of each head by day", "Shares by day"]) {
    await chart(page, label).locator("g[aria-label=line] path").first().waitFor({ state: "attached" });
    const found = await stretches(page, label);
    assert.ok(found.length >= 3, `${label}: ${found.length} lines`);
    assert.deepEqual(new Set(found), new Set([2]), `${label}: ${found}`);
  }
  assert.equal(await chart(page, "Shares by day").locator("g[aria-label=dot]").last().locator("circle").count(), 6 * 4);
  assert.deepEqual(wrong, []);
});
