/** A newcomer who says nothing of herself and follows somebody: what her feed is made from, and who came to a post. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../testing/community.ts";
import { members } from "../testing/community.ts";
import { card, nextFeed, signInAs } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, open, pool, lines } = await startStories("feed_reasons");

test(
  "Kim follows Ada, who came to a garden bed: Kim's feed says so by name, until Ada is muted",
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
