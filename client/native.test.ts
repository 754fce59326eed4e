/** The client where there is no page, as in React Native; the hooks there are in release/try-expo.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pollNewPosts } from "./src/new-posts.ts";
import { isOnline, isPageVisible, viewObserver } from "./src/page.ts";

test("without a page somebody may be looking, there is a network, and nothing tells what is in view", () => {
  for (const name of ["document", "IntersectionObserver"]) assert.ok(!(name in globalThis), name);
  assert.deepEqual([isPageVisible(), isOnline()], [true, true]);
  assert.equal(
    viewObserver(() => undefined),
    undefined,
  );
});

test("new posts are counted each minute, until there are more than are counted", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const answers = [1, 5, 99, 99].map((new_posts) => ({ new_posts, has_more: new_posts === 99 }));
  let asked = 0;
  const told: number[] = [];
  const newPosts = async () => answers[asked++];
  pollNewPosts({ newPosts }, { count_since: "2026-01-01" }, ({ new_posts }) => void told.push(new_posts));
  for (let minute = 0; minute < 6; minute++) {
    t.mock.timers.tick(60_000);
    await new Promise(setImmediate);
  }
  assert.deepEqual([told, asked], [[1, 5, 99], 3]);
});
