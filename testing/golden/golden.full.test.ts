/** Golden answers of a few readers: none moves by itself, and a rule that is dropped moves them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { withoutCluster } from "../../db/testing-cluster.ts";
import { answersOf } from "./ask.ts";
import { goldenCommunity } from "./community.ts";
import { differencesOf } from "./compare.ts";
import { variants } from "./variants.ts";

const skip = await withoutCluster();

test("feeds that are asked for twice are equal, and a filter that is dropped is found", { skip }, async () => {
  const community = await goldenCommunity({ after }, 6);
  const [plain] = variants;
  const expected = { answers: { plain: (await answersOf(community, plain)).answers } };
  assert.ok(expected.answers.plain.every(({ candidates, pages }) => candidates && pages && pages.length > 20));
  const again = await answersOf(community, plain);
  assert.deepEqual(differencesOf("plain", expected, again.answers), []);
  assert.ok(again.cost.buffers > 0 && again.cost.processor > 0);
  // no post that a user saw leaves their feed
  await community.database.pool.query("update recsys.impressions set seen_at = null");
  const unseen = await answersOf(community, plain);
  const parts = new Set(differencesOf("plain", expected, unseen.answers).map(({ part }) => part));
  assert.deepEqual([...parts].sort(), ["candidates", "explain", "pages", "ranking"]);
});
