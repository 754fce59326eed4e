/** The console on the narrowest phone: every view fits, its tables too, and nothing is too small for a thumb. */
import { members } from "../testing/community.ts";
import { openView } from "../testing/console-view.ts";
import { onPhones } from "../testing/phone.ts";
import { startStories } from "../testing/stories.ts";

const stories = await startStories("phone_console");
const { gateway, pool } = stories;

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
