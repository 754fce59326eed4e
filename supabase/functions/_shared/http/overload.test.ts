import assert from "node:assert/strict";
import { test } from "node:test";
import { alwaysTaken, openDoor } from "./overload.ts";

/** A door with a clock of its own. */
function door() {
  const clock = { now: 5_000 };
  const { enter } = openDoor(() => clock.now);
  const leaving: ((served: boolean) => void)[] = [];
  /** How many of so many who come at once are taken on. */
  const come = (many: number, areVisitors = false) => {
    let taken = 0;
    for (let n = 0; n < many; n++)
      try {
        leaving.push(enter(areVisitors));
        taken++;
      } catch (error) {
        assert.deepEqual([(error as { status: number }).status, (error as { code: string }).code], [503, "overloaded"]);
        const { retryAfter } = error as { retryAfter: number };
        assert.ok(retryAfter >= 1 && retryAfter <= 10, `${retryAfter}`);
      }
    return taken;
  };
  /** Answers so many, one after another, each after so many milliseconds. */
  const answer = (many: number, milliseconds: number, served = true) => {
    for (let n = 0; n < many; n++) {
      clock.now += milliseconds;
      leaving.shift()?.(served);
    }
  };
  return { clock, come, answer, inside: () => leaving.length };
}

test("as many are taken on as a second serves, by the pace of the last answers", () => {
  const { come, answer, inside } = door();
  come(60);
  answer(60, 10);
  assert.equal(inside(), 0);
  assert.equal(come(500), 100);
  answer(100, 10);
  // queries take longer from now on
  assert.equal(come(100), 100);
  answer(100, 25);
  assert.equal(come(500), 40);
  answer(40, 10);
  come(16);
  answer(16, 10);
  const recovered = come(500);
  assert.ok(recovered > 75 && recovered <= 100, `${recovered}`);
});

test("thirty-two at once are always taken on, however long it takes", () => {
  const { clock, come, answer } = door();
  assert.equal(come(alwaysTaken), alwaysTaken);
  answer(alwaysTaken, 3_000);
  for (let n = 0; n < 5; n++) {
    assert.equal(come(500), alwaysTaken);
    answer(alwaysTaken, 3_000);
  }
  clock.now += 3_600_000;
  assert.equal(come(alwaysTaken), alwaysTaken);
});

test("a slow start is no slow worker, and what is quick again is taken for quick", () => {
  const started = door();
  for (let n = 0; n < 5; n++) {
    started.come(1);
    started.answer(1, 600);
  }
  assert.equal(started.come(500), 64);
  const slow = door();
  slow.come(60);
  slow.answer(60, 200);
  for (let n = 0; n < 50; n++) {
    slow.come(1);
    slow.answer(1, 15);
  }
  assert.ok(slow.come(500) > 100);
});

test("a worker that has answered nobody yet takes on more, but not everybody", () => {
  assert.equal(door().come(500), 64);
});

test("a stall is known before anybody is answered", () => {
  const { clock, come, answer } = door();
  come(50);
  answer(50, 5);
  assert.equal(come(40), 40);
  clock.now += 100;
  assert.equal(come(500), 0, "ten a second at best, and forty wait");
  answer(40, 5);
  assert.ok(come(100) > 50);
});

test("who is refused in a moment does not make the worker seem fast", () => {
  const { come, answer } = door();
  come(50);
  answer(50, 25);
  for (let n = 0; n < 1000; n++) {
    come(1);
    answer(1, 0, false);
  }
  assert.equal(come(500), 40);
});

test("visitors take half of the places at most, however many they are, and users all", () => {
  const slow = door();
  assert.equal(slow.come(500, true), alwaysTaken);
  assert.equal(slow.come(500), alwaysTaken, "64 are taken on before the pace is known");
  const { come, answer } = door();
  come(60);
  answer(60, 10);
  assert.equal(come(500, true), 50);
  assert.equal(come(500), 50);
  answer(50, 10);
  assert.equal(come(500, true), 50, "those who left make room");
  answer(100, 10);
  assert.equal(come(500), 100, "where no visitors are, nothing is kept for them");
});
