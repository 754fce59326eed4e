/** The card of the client's README, in a real browser: what it shows, and what it tells the recommender. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { withoutBrowser } from "../testing/browser.ts";
import { people, publishTinyModel } from "../testing/community.ts";
import { eventually, servedApp } from "./testing-app.ts";

const readme = await readFile(new URL("README.md", import.meta.url), "utf8");
const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(readme)?.[1] ?? "";

const { pool, browser, appOf } = await servedApp(
  "client_readme",
  ({ url, publishableKey }) => `
    import { createClient } from "@supabase/supabase-js";
    import { render } from "preact";
    import { recsys } from "./client/src/index.ts";
    const auth = { storageKey: "session", autoRefreshToken: false };
    const recommender = recsys(createClient("${url}", "${publishableKey}", { auth }));
    ${block("tsx")}
    const feed = await recommender.recommend({ limit: 20 });
    const cards = feed.items.map((item) => <Card item={item} feed={feed} author="Ada" />);
    render(cards, document.querySelector("ol"));
    globalThis.app = {};`,
  block("css"),
);

test("it shows author, age and two lines, and what it tracks is stored", { skip: withoutBrowser }, async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    "update public.posts set description = repeat('A line of text that goes on. ', 40), tags = '{chess}'",
  );
  const context = await browser.newContext({ viewport: { width: 400, height: 600 } });
  t.after(() => context.close());
  const page = await appOf(context, people.ben);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  const first = page.locator("li").first();
  assert.match((await first.textContent()) ?? "", /^Post \d+Ada, \d+ hours agoA line of text.*…chessVote/);
  const lines = await first
    .locator(".excerpt")
    .evaluate((each) => Math.round(each.getBoundingClientRect().height / 18));
  assert.equal(lines, 2);
  const [id] = ((await first.getAttribute("id")) ?? "").split("@");
  const count = async (table: string) =>
    (await pool.query(`select from ${table} where user_id = $1 and post_id = $2`, [people.ben, id])).rowCount;
  await eventually(() => count("(select * from recsys.impressions where seen_at is not null)"), 1);
  const seen = await pool.query("select from recsys.impressions where seen_at is not null");
  assert.ok(Number(seen.rowCount) < 10, "what is below the screen was not seen");
  await first.getByRole("button", { name: "Vote" }).click();
  await eventually(() => count("public.post_votes"), 1);
  await first.getByRole("button", { name: "Not for me" }).click();
  await eventually(() => count("recsys.dismissals"), 1);
  await first.getByRole("button", { name: "Undo" }).click();
  await eventually(() => count("recsys.dismissals"), 0);
  assert.deepEqual(wrong, []);
});
