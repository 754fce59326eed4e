/** A page is told how many posts are new by the latest question that was answered, in whatever order the answers come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pollNewPosts } from "./src/new-posts.ts";
import type { NewPosts } from "./src/types.ts";

test("an answer that a later one overtook is not told", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const answers: ((news: NewPosts) => void)[] = [];
  const newPosts = () => new Promise<NewPosts>((answer) => answers.push(answer));
  const told: number[] = [];
  const end = pollNewPosts({ newPosts }, {} as never, ({ new_posts }) => told.push(new_posts));
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(60_000);
  const answer = async (number: number, new_posts: number) => {
    answers[number]({ new_posts, has_more: false });
    await new Promise(setImmediate);
  };
  await answer(1, 2);
  await answer(0, 1);
  await answer(2, 3);
  assert.deepEqual(told, [2, 3]);
  end();
});
