/** A community from an archive, whose clock is set back: both pages say which day it is in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startStories } from "../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("archive_clock");

test("which day it is in a community from an archive is said where its dates are", options, async (t) => {
  const { page, wrong } = await open(t);
  await page.goto(`${gateway.url}/`);
  await page.locator("li.post").first().waitFor();
  assert.equal(
    await page.getByText("In this community it is").count(),
    0,
    "of a community of today there is nothing to say",
  );
  await pool.query(
    "update public.posts set created_at = created_at - interval '271 days'; update recsys.settings set clock_shift = interval '271 days'",
  );
  const { rows } = await pool.query(
    "select to_char(recsys.clock(), 'FMMonth FMDD, YYYY') as today, to_char(recsys.clock(), 'Mon FMDD, YYYY') as short",
  );
  const [{ today, short }] = rows;
  await page.reload();
  await page.getByText(`In this community it is ${today}`).waitFor();
  await t.test("in the console, too", async () => {
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    await page.getByText("This community comes from an archive").getByText(short).waitFor();
  });
  assert.deepEqual(wrong, []);
});
