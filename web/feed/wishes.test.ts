/** Readers and authors change feeds: by follows, by topics that they want more or less of, and by withdrawing their posts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../testing/community.ts";
import { members } from "../testing/community.ts";
import { card, eventually, nextFeed, press, showWhatMoves, signInAs, titles, view } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, openFresh: open, pool, lines } = await startStories("feed_wishes");

test(
  "Kim follows Ada, who comments on a garden bed: Kim's feed names Ada as the reason until Ada is muted",
  options,
  async (t) => {
    const kim = uuid("a", 4);
    await pool.query("insert into public.profiles (id, external_id) values ($1, 'kim')", [kim]);
    await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
      kim,
      members.ada,
    ]);
    const title = "Garden bed 20";
    await pool.query(
      "insert into public.comments (user_id, post_id) select $1, id from public.posts where title = $2",
      [members.ada, title],
    );
    const { page, wrong } = await open(t);
    await signInAs(page, gateway.url, "kim");
    await page.getByText("People you follow: what they read and wrote lately").waitFor();
    const garden = card(page, title);
    for (let more = 0; more < 3 && (await garden.count()) === 0; more++)
      await nextFeed(page, () => page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded());
    await garden.getByText("ada, whom you follow, was active here").waitFor();
    await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [kim, members.ada]);
    await nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
    await garden.getByText("People you follow were active here").waitFor();
    assert.equal(await page.getByText("ada, whom").count(), 0);
    assert.deepEqual([wrong, lines], [[], []]);
  },
);

/** An author withdraws from strangers' feeds: gone from the next feed of a stranger, and not of a follower. */
test(
  "Rosa withdraws her posts: they leave the feed of Ben, a stranger, and stay in the feed of Ada, a follower",
  options,
  async (t) => {
    await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
      members.ada,
      members.rosa,
    ]);
    const [ben, ada, rosa] = [await open(t), await open(t), await open(t)];
    await signInAs(ben.page, gateway.url, "ben");
    await signInAs(ada.page, gateway.url, "ada");
    const hers = async ({ page }: typeof ben) =>
      (await titles(page, 20)).filter((title) => title.startsWith("Garden")).length;
    const refresh = ({ page }: typeof ben) =>
      nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
    assert.ok((await hers(ben)) > 0);

    await signInAs(rosa.page, gateway.url, "rosa");
    await view(rosa.page, "rosa");
    const box = rosa.page.getByRole("checkbox", { name: "Recommend what I write only to people who follow me" });
    await box.click();
    const is = (checked: boolean) => rosa.page.getByRole("checkbox", { name: /^Recommend what I write/, checked });
    await is(true).waitFor();
    await refresh(ben);
    await refresh(ada);
    assert.equal(await hers(ben), 0);
    assert.ok((await hers(ada)) > 0);

    await box.click();
    // another box is empty, too
    await is(false).waitFor();
    await refresh(ben);
    assert.ok((await hers(ben)) > 0, "and back at once");
    assert.deepEqual([ben.wrong, rosa.wrong, ada.wrong], [[], [], []]);
  },
);

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
  await pool.query(
    "insert into public.post_votes (user_id, post_id) select $1, id from public.posts where title = 'Chess puzzle 24'",
    [members.ben],
  );
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
