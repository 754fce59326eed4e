import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { createConnectionScheduler } from "./connection-scheduler.ts";

/** A scheduler with three connections and a manual clock. */
function three() {
  const clock = { now: 1_000 };
  const turns = createConnectionScheduler(3, () => clock.now);
  const order: string[] = [];
  const held = new Map<string, (() => void)[]>();
  const ask = (name: string, isBegun = false) => {
    const came = (giveBack: () => void) => {
      order.push(name);
      held.set(name, [...(held.get(name) ?? []), giveBack]);
    };
    // ignores the rejection of those that still wait when a test ends
    turns.take(name, isBegun).then(came, () => undefined);
    return setImmediate();
  };
  const giveBack = (name: string) => {
    held.get(name)?.shift()?.();
    return setImmediate();
  };
  return { clock, order, ask, giveBack, turns };
}

test("who holds none comes before who holds one, whoever came first", async () => {
  const { order, ask, giveBack } = three();
  for (const name of ["ada", "ada", "ada", "ada", "ben"]) await ask(name);
  assert.deepEqual(order, ["ada", "ada", "ada"], "alone they may have all");
  await giveBack("ada");
  await giveBack("ada");
  assert.deepEqual(order.slice(3), ["ben", "ada"]);
});

test("of those who wait and hold none, who came first is next, though others used none yet: a feed takes a connection twice", async () => {
  const { clock, order, ask, giveBack } = three();
  await ask("ada");
  clock.now += 400;
  await giveBack("ada");
  for (const name of ["x", "y", "z"]) await ask(name);
  for (const name of ["ada", "ben", "eve"]) await ask(name);
  for (const name of ["x", "y", "z"]) await giveBack(name);
  assert.deepEqual(order.slice(4), ["ada", "ben", "eve"]);
});

test("five whose feeds take seconds leave one connection to the others, and are quick again later", async () => {
  const { clock, order, ask, giveBack } = three();
  for (const name of ["1", "2", "3"]) await ask(name);
  clock.now += 2_000;
  for (const name of ["1", "2", "3"]) await giveBack(name);
  for (const name of ["1", "2", "3", "1", "2"]) await ask(name);
  assert.deepEqual(order.slice(3), ["1", "2"]);
  for (let n = 0; n < 5; n++) {
    await ask("honest");
    await giveBack("honest");
  }
  assert.deepEqual(order.slice(5), Array(5).fill("honest"));
  await giveBack("1");
  assert.deepEqual(order.slice(10), ["3"]);
  const later = three();
  for (const name of ["1", "2", "3"]) await later.ask(name);
  later.clock.now += 2_000;
  for (const name of ["1", "2", "3"]) await later.giveBack(name);
  later.clock.now += 20_000;
  for (const name of ["1", "2", "3"]) await later.ask(name);
  assert.equal(later.order.length, 6);
});

test("many quick requests make nobody slow, nor does the service's own work", async () => {
  const { clock, order, ask, giveBack, turns } = three();
  for (let n = 0; n < 500; n++) {
    await ask("ada");
    clock.now += 30;
    await giveBack("ada");
  }
  for (let n = 0; n < 3; n++) await ask("ada");
  assert.equal(order.length, 503);
  for (let n = 0; n < 3; n++) await giveBack("ada");
  const own = await Promise.all([turns.take(), turns.take(), turns.take()]);
  clock.now += 60_000;
  for (const giveBack of own) giveBack();
  await Promise.all([turns.take(), turns.take(), turns.take()]);
});

test("who has begun is not slow, though the first time was long", async () => {
  const { clock, order, ask, giveBack } = three();
  await ask("ada");
  clock.now += 1_900;
  await giveBack("ada");
  for (const name of ["x", "y", "z"]) await ask(name);
  await ask("ada");
  await ask("ada", true);
  await ask("ben");
  for (const name of ["x", "y", "z"]) await giveBack(name);
  assert.deepEqual(order.slice(4), ["ada", "ben", "ada"]);
});

test("what is given back twice is free once, and one connection alone is everybody's", async () => {
  const clock = { now: 0 };
  const turns = createConnectionScheduler(1, () => clock.now);
  const giveBack = await turns.take("ada");
  clock.now += 5_000;
  giveBack();
  giveBack();
  const again = await turns.take("ada");
  const waiting = turns.take("ben");
  await setImmediate();
  assert.equal(turns.waiting(), 1);
  again();
  (await waiting)();
});

test("who waited for as long as anybody may is refused, and the others come to their turn", async () => {
  const turns = createConnectionScheduler(1, undefined, { stuck: 20, moving: 1_000 });
  const giveBack = await turns.take("ada");
  await assert.rejects(turns.take("ben"), /timeout exceeded when waiting for a connection/);
  assert.equal(turns.waiting(), 0);
  const eve = turns.take("eve");
  giveBack();
  (await eve)();
  await turns.take("ada");
});

test("a timer that runs though it was cleared takes nobody's place", async () => {
  using time = madeUpTime();
  globalThis.clearTimeout = () => undefined;
  const { clock } = time;
  const turns = createConnectionScheduler(1, () => clock.now);
  const giveBack = await turns.take("ada");
  await clock.runTo(4_000);
  const ben = turns.take("ben");
  await clock.runTo(6_000);
  assert.equal(turns.waiting(), 1);
  giveBack();
  (await ben)();
});

test("while others come to their turn one waits longer, and not for ever", async () => {
  const turns = createConnectionScheduler(1, undefined, { stuck: 20, moving: 1_000 });
  const giveBack = await turns.take("ada");
  const [ben, eve, ida] = ["ben", "eve", "ida"].map((name) => turns.take(name));
  giveBack();
  const ofBen = await ben;
  await setTimeout(60);
  ofBen();
  await eve;
  await assert.rejects(ida, { status: 429, code: "overloaded", retryAfter: 1 });
});

/** A fake clock that `runTo` advances, and `setTimeout` with it: Deno has no timer mocks. */
function madeUpTime() {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const due = new Set<{ at: number; run: () => void }>();
  const clock = {
    now: 0,
    async runTo(end: number) {
      for (; clock.now < end; clock.now += 10) {
        for (const timer of due) if (timer.at <= clock.now && due.delete(timer)) timer.run();
        await setImmediate();
      }
    },
  };
  const later = (run: () => void, milliseconds: number) => {
    const timer = { at: clock.now + milliseconds, run };
    due.add(timer);
    return timer;
  };
  Object.assign(globalThis, { setTimeout: later, clearTimeout: due.delete.bind(due) });
  const pass = (milliseconds: number) => new Promise<void>((passed) => later(passed, milliseconds));
  return { clock, pass, [Symbol.dispose]: () => void Object.assign(globalThis, real) };
}

test("16 concurrent clients, to whom a busy worker gives four feeds a second, are all served, though some first halves take more than a second", async (t) => {
  using time = madeUpTime();
  const { clock, pass } = time;
  const turns = createConnectionScheduler(3, () => clock.now);
  let served = 0;
  let refused = 0;
  const take = async (person: string, milliseconds: number, isBegun: boolean) => {
    try {
      const giveBack = await turns.take(person, isBegun);
      await pass(milliseconds);
      giveBack();
      served++;
    } catch {
      refused++;
    }
  };
  const ask = async (client: number) => {
    for (let n = client; clock.now < 60_000; n += 16) {
      await take(`${n % 100}`, [250, 350, 450, 1_700][(Math.floor(n / 16) + client) % 4], false);
      await pass(25);
      await take(`${n % 100}`, 40, true);
    }
  };
  const clients = Promise.all(Array.from({ length: 16 }, (_, client) => ask(client)));
  await clock.runTo(80_000);
  await clients;
  t.diagnostic(`${(served / 120).toFixed(1)} feeds a second`);
  assert.equal(refused, 0);
});
