import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdleQueue, idleQueueCapacity, idleQueueMaxWaitMs } from "./idle-queue.ts";

function opened() {
  const logged: string[] = [];
  const kept: Promise<void>[] = [];
  const state = { now: 0, busy: false };
  const spareTime = createIdleQueue(
    (code, cause) => logged.push(`${code}: ${(cause as Error).message}`),
    (work) => kept.push(work),
    () => state.busy,
    () => state.now,
  );
  return { spareTime, logged, state, settled: () => Promise.all(kept) };
}

const pause = (milliseconds: number) => new Promise((later) => setTimeout(later, milliseconds));
const work = (act: (item: unknown) => Promise<unknown>) => ({ code: "lost", do: ([item]: unknown[]) => act(item) });

test("one piece is at work at a time, in order; one that fails holds up none behind it", async () => {
  const { spareTime, logged, settled } = opened();
  const course: string[] = [];
  const slow = work(async (name) => {
    course.push(`${name} begins`);
    await pause(5);
    course.push(`${name} ends`);
    if (name === "a") throw new Error("a fails");
  });
  spareTime.add(slow, "a");
  spareTime.add(slow, "b");
  assert.deepEqual(course, [], "not before the answer that it comes from has gone");
  await settled();
  assert.deepEqual(course, ["a begins", "a ends", "b begins", "b ends"]);
  assert.deepEqual(logged, ["lost: a fails"]);
});

test("it waits while the worker is busy, and is given up where that lasts", async () => {
  const { spareTime, logged, state, settled } = opened();
  const done: unknown[] = [];
  const note = work(async (name) => done.push(name));
  state.busy = true;
  spareTime.add(note, "waits");
  await pause(60);
  assert.deepEqual(done, []);
  state.busy = false;
  await settled();
  assert.deepEqual(done, ["waits"]);
  state.busy = true;
  spareTime.add(note, "too late");
  await pause(30);
  state.now += idleQueueMaxWaitMs + 1;
  await settled();
  assert.deepEqual([done, logged], [["waits"], ["lost: given up: there was no time to spare"]]);
  spareTime.add({ ...note, mayBeLost: true }, "too late as well");
  await pause(30);
  state.now += idleQueueMaxWaitMs + 1;
  await settled();
  assert.deepEqual([done.length, logged.length], [1, 1], "of what may be lost nobody need know");
});

test("no more than a few are there at the same time", async () => {
  const { spareTime, logged, settled } = opened();
  const done: unknown[] = [];
  const note = work(async (name) => done.push(name));
  for (let i = 0; i < idleQueueCapacity + 2; i++) spareTime.add(note, i);
  await settled();
  assert.equal(done.length, idleQueueCapacity);
  assert.deepEqual(logged, Array(2).fill(`lost: given up: ${idleQueueCapacity} others wait already`));
  spareTime.add(note, "again");
  await settled();
  assert.equal(done.length, idleQueueCapacity + 1);
});

test("one that never ends is left to itself after five seconds", async () => {
  const { spareTime, logged, settled } = opened();
  const done: unknown[] = [];
  spareTime.add(
    work(() => new Promise(() => undefined)),
    "endless",
  );
  spareTime.add(
    work(async (name) => done.push(name)),
    "next",
  );
  await settled();
  assert.deepEqual([done, logged], [["next"], ["lost: given up: it took longer than 5 s"]]);
});
