/** The console on the narrowest phone: every view fits, and nothing is too small for a thumb. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seriousIn } from "../testing/axe.ts";
import { members } from "../testing/community.ts";
import { phone, phoneFaults } from "../testing/phone.ts";
import { startStories } from "../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("phone_console");

for (const colorScheme of ["light", "dark"] as const)
  test(`every view fits a phone 320 pixels wide, ${colorScheme}`, options, async (t) => {
    const { page, wrong } = await open(t, { colorScheme, viewport: phone, hasTouch: true });
    const look = async (view: string) =>
      await t.test(view, async () => {
        assert.deepEqual(await phoneFaults(page), []);
        assert.deepEqual(await seriousIn(page, "color-contrast"), []);
      });
    await page.goto(`${gateway.url}/console/`);
    await page.getByLabel("A secret key of the project").waitFor();
    await look("the way in");
    const { rows } = await pool.query("select id from public.posts limit 1");
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    for (const view of [
      "",
      "health",
      "shown",
      `posts/${rows[0].id}`,
      "experiments",
      "people",
      `people/${members.rosa}`,
    ]) {
      await page.goto(`${gateway.url}/console/#${view}`);
      await page.locator("section.panel").first().waitFor();
      await page.waitForLoadState("networkidle");
      const candidate = page.locator("li details summary").first();
      if (view.startsWith("people/")) await candidate.click();
      await look(view || "models");
    }
    assert.deepEqual(wrong, []);
  });
