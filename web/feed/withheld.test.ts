/** An author withdraws from strangers' feeds: gone from the next feed of a stranger, and not of a follower. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { members } from "../testing/community.ts";
import { nextFeed, signInAs, titles, view } from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, open, pool } = await startStories("withheld_page");

test(
  "Rosa withdraws: Ben, who follows nobody, is shown nothing of hers; Ada, who follows her, is",
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
