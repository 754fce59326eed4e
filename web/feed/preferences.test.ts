/** A reader decides what their feed is made of, and sees it work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { members } from "../testing/community.ts";
import { eventually, nextFeed, press, showWhatMoves, signInAs, titles, view } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, open, pool } = await startStories("preferences_page");

const choose = async (page: Parameters<typeof view>[0], text: string) => {
  await view(page, "ben");
  await page.getByRole("radio", { name: text }).click();
  await page.getByRole("radio", { name: text, checked: true }).waitFor();
};

test(
  "Ben turns personalisation off, and what he does changes his feed no more, until he turns it on again",
  options,
  async (t) => {
    const { page, wrong } = await open(t);
    await signInAs(page, gateway.url, "ben");
    await choose(page, "The same as for everybody");
    await view(page, "Feed");
    await showWhatMoves(page);
    await page.getByText("What is fresh and popular here").waitFor();
    const before = await titles(page, 20);
    await press(page, before[3], "Vote");
    await eventually(async () => (await pool.query("select from public.post_votes")).rowCount, 1);
    await showWhatMoves(page);
    assert.deepEqual(await titles(page, 20), before);

    await choose(page, "Posts that I may like");
    await view(page, "Feed");
    await showWhatMoves(page);
    await page.getByText("What you did").waitFor();
    assert.ok(!(await titles(page, 20)).includes(before[3]), "what he voted for has left");
    assert.deepEqual(wrong, []);
  },
);

test("more and less of a topic take each other back, in whatever letters", options, async (t) => {
  const { page, wrong } = await open(t);
  t.after(() => pool.query("delete from public.preferences"));
  const stored = async () =>
    (await pool.query("select kind, value from public.preferences order by lower(value)")).rows;
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'less', 'Kites')", [members.ben]);
  await signInAs(page, gateway.url, "ben");
  await view(page, "ben");
  const want = async (topic: string, which: "More" | "Less") => {
    await page.getByLabel("A topic").fill(topic);
    await page.getByRole("button", { name: `${which} of it` }).click();
    await page.getByRole("button", { name: `${which} #${topic.toLowerCase()} take back` }).waitFor();
  };
  await want("chess", "Less");
  await want("Chess", "More");
  assert.deepEqual(await stored(), [
    { kind: "more", value: "chess" },
    { kind: "less", value: "Kites" },
  ]);
  assert.equal(await page.getByRole("button", { name: /^Less #chess/ }).count(), 0);
  await want("kites", "More");
  assert.deepEqual(await stored(), [
    { kind: "more", value: "chess" },
    { kind: "more", value: "kites" },
  ]);
  assert.deepEqual(wrong, []);
});

test("Ben wants less of chess, then nothing but whom he follows", options, async (t) => {
  const { page, wrong } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const share = async () => (await titles(page, 20)).filter((title) => title.startsWith("Chess")).length;
  const before = await share();
  await view(page, "ben");
  await page.getByLabel("A topic").fill("Chess");
  await page.getByRole("button", { name: "Less of it" }).click();
  await page.getByRole("button", { name: "less #chess" }).waitFor();
  await view(page, "Feed");
  await showWhatMoves(page);
  const less = await share();
  assert.ok(less < before, `${before} of 20 were on chess, and ${less} are`);
  await choose(page, "Posts by people and on topics that I follow");
  await view(page, "Feed");
  await page.getByRole("button", { name: "Show what moves" }).click();
  await page.getByText("Nobody and nothing that you follow has a post for you.").waitFor();
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
    members.ben,
    members.ada,
  ]);
  await nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
  assert.deepEqual(
    await titles(page, 20),
    Array.from({ length: 20 }, (_, i) => `Chess puzzle ${i + 1}`),
    "the newest first, of the topic too of which he wants less",
  );
  assert.deepEqual(wrong, []);
});
