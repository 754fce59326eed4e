/** While a community's first model is trained its page is there already, says how far that is, and becomes the reader's own without a reload. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { signInAs } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("first_training");
const setModel = (from: string, to: string) =>
  pool.query("update recsys.models set status = $2 where status = $1", [from, to]);

test("a reader sees what is fresh and popular, how far their model is, and then their own feed", options, async (t) => {
  await setModel("active", "ready");
  gateway.tell({ state: "running", step: "two-tower training", share: 0.404 });
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ada");
  await page.getByText("Your model is being trained, 40 %").waitFor();
  await page.getByText("no model yet").waitFor();
  assert.equal(await page.getByRole("progressbar").getAttribute("value"), "40");
  await page.evaluate(() => document.body.setAttribute("data-loaded", "once"));
  gateway.tell({ state: "running", step: "DLRM training", share: 0.75 });
  await page.getByText("Your model is being trained, 75 %").waitFor();
  await setModel("ready", "active");
  gateway.tell({ state: "done" });
  await page.getByText("Your model is trained: from here on it makes your feed.").waitFor();
  await page.locator("aside").getByText("words", { exact: true }).waitFor();
  assert.equal(await page.getByText("being trained").count(), 0);
  assert.equal(await page.getAttribute("body", "data-loaded"), "once", "it was not loaded again");
  assert.deepEqual(wrong, []);
});

test(
  "a training that fails is said with its reason, and the feed stays; who comes after one is told nothing",
  options,
  async (t) => {
    gateway.tell({ state: "failed", reason: "99 first interactions are too few" });
    const { page } = await open(t);
    await page.goto(`${gateway.url}/`);
    await page.getByText("Your model could not be trained: 99 first interactions are too few").waitFor();
    await page.locator("li.post").first().waitFor();
    gateway.tell({ state: "done" });
    await page.reload();
    await page.locator("li.post").first().waitFor();
    assert.equal(await page.getByText(/Your model/).count(), 0);
  },
);
