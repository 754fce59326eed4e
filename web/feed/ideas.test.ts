/** Ideas on the page: in words, and nothing of them is written before their reader writes it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../testing/community.ts";
import { seriousIn } from "../testing/axe.ts";
import { signInAs } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, open } = await startStories("feed_ideas");

test("ideas become a draft; where there is no such function, the page says so", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "rosa");
  const answer = (status: number, json: object) =>
    page.route("**/functions/v1/ideas", (route) => route.fulfill({ status, json }));
  await answer(404, { error: { code: "not_found", message: "no such function" } });
  await page.getByRole("link", { name: "Ideas", exact: true }).click();
  await page.getByText("There are no ideas to be had here.").waitFor();
  await page.unroute("**/functions/v1/ideas");
  const why = { people_interested: 20, posts_lately: 6, unanswered: 4 };
  const predicted = { audience: 40, views: 12, votes: 4, comments: 0 };
  const idea = {
    title: "Beds for clay",
    points: ["What grows", "What drowns"],
    tags: ["gardens"],
    topic: { id: 2, label: "soil, a cluster" },
    why,
    predicted,
    fit: 0.8,
    from: [{ post_id: uuid("d", 1), app_id: uuid("d", 1), title: "Clay in spring" }],
  };
  const needs = [
    { kind: "unanswered", topic: null, posts: [{ ...idea.from[0], title: "Why does my clay crack?" }] },
    { kind: "read_much", topic: { id: 1, label: "ponds" }, posts: [{ ...idea.from[0], title: "A pond in a pot" }] },
  ];
  const notes = [{ code: "too_few_posts", message: "There are fewer ideas than were asked for." }];
  await answer(200, { model: null, needs, items: [idea], notes });
  await page.getByRole("button", { name: "Ask again" }).click();
  await page
    .getByText(
      "About 20 people came to posts of this kind in the last four weeks. 6 were written, 4 of them without a comment so far.",
    )
    .waitFor();
  await page.getByText("There are no more ideas").waitFor();
  const needed = page.getByRole("region", { name: "What is needed here" });
  await needed.getByText("Waiting for a comment for more than two days").waitFor();
  await needed.getByText("Why does my clay crack?").waitFor();
  await needed.getByText("ponds").waitFor();
  await page.getByText("What it comes from").click();
  await page.getByText("Clay in spring").waitFor();
  assert.deepEqual(await seriousIn(page), []);
  const card = page.getByRole("list", { name: "Ideas", exact: true });
  await card.getByText("gardens").waitFor();
  const said = (await card.textContent()) ?? "";
  assert.ok(!said.includes("a cluster"), "a tag that is there, and no topic's label");
  assert.match(said, /Very close to what you read and write/);
  assert.match(said, /hardly any/);
  assert.doesNotMatch(said, /0\.8|of 1\b|about 0/, "words instead of cosines");
  await page.getByRole("button", { name: "Write this Beds for clay" }).click();
  const inForm = async () => [
    await page.getByLabel("Title").inputValue(),
    await page.getByLabel("Text").inputValue(),
    await page.getByLabel("Tags").inputValue(),
  ];
  assert.deepEqual(await inForm(), ["", "", ""], "nothing is written before its writer writes it");
  const taken = page.getByRole("region", { name: "The idea" });
  await taken.getByText("What drowns").waitFor();
  assert.deepEqual(await seriousIn(page), []);
  await taken.getByRole("button", { name: "Take this title" }).click();
  await taken.getByRole("button", { name: "Add tag gardens" }).click();
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  await page.reload();
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  await taken.getByRole("button", { name: "Put it away" }).click();
  await taken.waitFor({ state: "detached" });
  assert.deepEqual(await inForm(), ["Beds for clay", "", "gardens"]);
  assert.deepEqual(wrong, []);
});
