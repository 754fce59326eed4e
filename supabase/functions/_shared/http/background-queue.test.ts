import assert from "node:assert/strict";
import { test } from "node:test";
import { backgroundMaxBatch, backgroundQueueCapacity, createBackgroundQueue } from "./background-queue.ts";

function opened() {
  const logged: string[] = [];
  const kept: Promise<void>[] = [];
  const clock = { now: 0 };
  const background = createBackgroundQueue(
    (code, cause) => logged.push(`${code}: ${(cause as Error).message}`),
    (work) => kept.push(work),
    () => clock.now,
  );
  const settled = () => Promise.all(kept);
  return { background, logged, kept, clock, settled };
}

/** A task of its own for each item, so that it is not batched. */
const alone = (work: () => Promise<unknown>) => ({ code: "lost", do: work });

test("one kind is at work at a time, in order, and the line is kept alive until it is done", async () => {
  const { background, logged, kept, settled } = opened();
  const course: string[] = [];
  for (const name of ["a", "b", "c"])
    background.add(
      alone(async () => {
        course.push(`${name} begins`);
        await new Promise((later) => setTimeout(later, 5));
        course.push(`${name} ends`);
        if (name === "b") throw new Error("b fails");
      }),
      undefined,
    );
  assert.equal(kept.length, 1);
  await settled();
  assert.deepEqual(course, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.deepEqual(logged, ["lost: b fails"], "one that fails holds up none behind it");
});

test("what waits meanwhile is done together; where that fails, each alone", async () => {
  const { background, logged, settled } = opened();
  const done: number[][] = [];
  const work = {
    code: "lost",
    async do(items: number[]) {
      done.push(items);
      await new Promise((later) => setTimeout(later, 5));
      if (items.includes(3)) throw new Error(`${items} fail`);
    },
  };
  background.add(work, 1);
  await new Promise((later) => setTimeout(later, 1));
  for (const item of [2, 3, 4]) background.add(work, item);
  await settled();
  assert.deepEqual(done, [[1], [2, 3, 4], [2], [3], [4]]);
  assert.deepEqual(logged, ["lost: 3 fail"]);
  for (let item = 0; item < backgroundMaxBatch + 1; item++) background.add(work, 10 + item);
  await settled();
  assert.deepEqual(
    done.slice(5).map(({ length }) => length),
    [backgroundMaxBatch, 1],
  );
});

test("what finds too long a line is dropped and logged; when the line is done there is room again", async () => {
  const { background, logged, settled } = opened();
  let done = 0;
  const work = {
    code: "lost",
    do: async (items: unknown[]) => {
      done += items.length;
    },
  };
  let open: () => void = () => undefined;
  const locked = new Promise<void>((unlock) => {
    open = unlock;
  });
  background.add(
    alone(() => locked),
    undefined,
  );
  await Promise.resolve();
  for (let i = 0; i < backgroundQueueCapacity + 2; i++) background.add(work, i);
  assert.deepEqual(logged, Array(3).fill("lost: dropped: 200 others wait already"));
  open();
  await settled();
  assert.equal(done, backgroundQueueCapacity - 1);
  background.add(work, 0);
  await settled();
  assert.equal(done, backgroundQueueCapacity);
});

test("what has waited for longer than 10 seconds is dropped at its turn", async () => {
  const { background, logged, clock, settled } = opened();
  const done: string[] = [];
  const until = (now: number) =>
    alone(async () => {
      clock.now = now;
    });
  background.add(until(9_000), undefined);
  background.add(
    alone(async () => void done.push("after 9 s")),
    undefined,
  );
  background.add(until(12_000), undefined);
  background.add(
    alone(async () => void done.push("after 12 s")),
    undefined,
  );
  await settled();
  assert.deepEqual([done, logged], [["after 9 s"], ["lost: dropped: 1, after waiting for 12 s"]]);
});
