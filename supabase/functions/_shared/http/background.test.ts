import assert from "node:assert/strict";
import { test } from "node:test";
import { longestLine, openBackground } from "./background.ts";

function opened() {
  const logged: string[] = [];
  const kept: Promise<void>[] = [];
  const clock = { now: 0 };
  const background = openBackground(
    (code, cause) => logged.push(`${code}: ${(cause as Error).message}`),
    (work) => kept.push(work),
    () => clock.now,
  );
  return { background, logged, kept, clock };
}

test("one piece is at work at a time, in order, and each is kept alive until it is done", async () => {
  const { background, logged, kept } = opened();
  const course: string[] = [];
  for (const name of ["a", "b", "c"])
    background.add("lost", async () => {
      course.push(`${name} begins`);
      await new Promise((later) => setTimeout(later, 5));
      course.push(`${name} ends`);
      if (name === "b") throw new Error("b fails");
    });
  assert.equal(kept.length, 3);
  await kept[2];
  assert.deepEqual(course, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.deepEqual(logged, ["lost: b fails"], "one that fails holds up none behind it");
});

test("what finds too long a line is dropped and logged; when the line is done there is room again", async () => {
  const { background, logged, kept } = opened();
  let done = 0;
  const work = async () => void done++;
  let open: () => void = () => undefined;
  const locked = new Promise<void>((unlock) => {
    open = unlock;
  });
  background.add("lost", () => locked);
  for (let i = 0; i < longestLine + 2; i++) background.add("lost", work);
  assert.deepEqual(logged, Array(3).fill("lost: dropped: 200 others wait already"));
  open();
  await Promise.all(kept);
  assert.equal(done, longestLine - 1);
  background.add("lost", work);
  await Promise.all(kept);
  assert.equal(done, longestLine);
});

test("what has waited for longer than 10 seconds is dropped at its turn", async () => {
  const { background, logged, kept, clock } = opened();
  const done: string[] = [];
  const until = (now: number) => async () => {
    clock.now = now;
  };
  background.add("lost", until(9_000));
  background.add("lost", async () => void done.push("after 9 s"));
  background.add("lost", until(12_000));
  background.add("lost", async () => void done.push("after 12 s"));
  await Promise.all(kept);
  assert.deepEqual([done, logged], [["after 9 s"], ["lost: dropped: it has waited for 12 s"]]);
});
