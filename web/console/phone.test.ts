/** The console on the narrowest phone: every view fits, and nothing is too small for a thumb. */
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
    "people",
    `people/${members.rosa}`,
  ]) {
    await openView(page, gateway.url, view);
    const candidate = page.locator("li details summary").first();
    if (view.startsWith("people/")) await candidate.click();
    await look(view || "models");
  }
});
