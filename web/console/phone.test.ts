/** The console on the narrowest phone: every view fits, and nothing is too small for a thumb. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Browser } from "playwright-core";
import { seriousIn } from "../testing/axe.ts";
import { openPage, startBrowser, withoutBrowser } from "../testing/browser.ts";
import { members, servedCommunity } from "../testing/community.ts";
import { phone, phoneFaults } from "../testing/phone.ts";

const cleanings: (() => Promise<void>)[] = [];
const scope = { after: (clean: () => Promise<void>) => cleanings.unshift(clean) };
after(async () => {
  for (const clean of cleanings) await clean();
});
const options = { skip: withoutBrowser };
const { gateway, pool } = withoutBrowser
  ? ({} as Awaited<ReturnType<typeof servedCommunity>>)
  : await servedCommunity(scope, "phone_console");
const browser = withoutBrowser ? ({} as Browser) : await startBrowser();
if (!withoutBrowser) scope.after(() => browser.close());

for (const colorScheme of ["light", "dark"] as const)
  test(`every view fits a phone 320 pixels wide, ${colorScheme}`, options, async (t) => {
    const { page, wrong } = await openPage(browser, gateway.url, { colorScheme, viewport: phone, hasTouch: true });
    t.after(() => page.context().close());
    const look = async (view: string) =>
      await t.test(view, async () => {
        assert.deepEqual(await phoneFaults(page), []);
        assert.deepEqual(await seriousIn(page, "color-contrast", "target-size"), []);
      });
    await page.goto(`${gateway.url}/console/`);
    await page.getByLabel("A secret key of the project").waitFor();
    await look("the way in");
    const { rows } = await pool.query("select id from public.posts limit 1");
    await page.goto(`${gateway.url}/console/#key=${gateway.secretKey}`);
    for (const view of ["", "health", "shown", `posts/${rows[0].id}`, "experiments", "people", `people/${members.rosa}`]) {
      await page.goto(`${gateway.url}/console/#${view}`);
      await page.locator("section.panel").first().waitFor();
      await page.waitForLoadState("networkidle");
      const candidate = page.locator("li details summary").first();
      if (view.startsWith("people/")) await candidate.click();
      await look(view || "models");
    }
    assert.deepEqual(wrong, []);
  });
