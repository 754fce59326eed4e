import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type Admission, admissionControl, minAdmittedRequests } from "./admission-control.ts";

/** An admission control with a manual clock. */
function admissions() {
  const clock = { now: 5_000 };
  const { admit } = admissionControl(() => clock.now);
  const leaving: Admission[] = [];
  /** Sends `many` requests at once; returns how many were admitted. */
  const come = (many: number, areVisitors = false) => {
    let taken = 0;
    for (let n = 0; n < many; n++)
      try {
        leaving.push(admit(areVisitors));
        taken++;
      } catch (error) {
        assert.deepEqual([(error as { status: number }).status, (error as { code: string }).code], [429, "overloaded"]);
        const { retryAfter } = error as { retryAfter: number };
        assert.ok(retryAfter >= 1 && retryAfter <= 10, `${retryAfter}`);
      }
    return taken;
  };
  /** Answers `many` requests, one every `milliseconds`. */
  const answer = (many: number, milliseconds: number, served = true) => {
    for (let n = 0; n < many; n++) {
      clock.now += milliseconds;
      leaving.shift()?.leave(served);
    }
  };
  return { clock, come, answer, inside: () => leaving.length };
}

test("as many are taken on as a second serves, by the pace of the last answers", () => {
  const { come, answer, inside } = admissions();
  come(60);
  answer(60, 10);
  assert.equal(inside(), 0);
  assert.equal(come(500), 100);
  answer(100, 10);
  // queries become slower
  assert.equal(come(100), 100);
  answer(100, 25);
  assert.equal(come(500), 40);
  answer(40, 10);
  come(16);
  answer(16, 10);
  const recovered = come(500);
  assert.ok(recovered > 75 && recovered <= 100, `${recovered}`);
});

test("answers that come in bursts are as slow as the bursts are", () => {
  const { come, answer } = admissions();
  for (let n = 0; n < 3; n++) {
    come(40);
    answer(1, 1_000);
    answer(39, 1);
  }
  // 40 are answered in 1.04 s, the last 39 of them a millisecond apart
  const taken = come(500);
  assert.ok(taken <= 42, `${taken}`);
});

test("thirty-two at the same time are always taken on, however long it takes", () => {
  const { clock, come, answer } = admissions();
  assert.equal(come(minAdmittedRequests), minAdmittedRequests);
  answer(minAdmittedRequests, 3_000);
  for (let n = 0; n < 5; n++) {
    assert.equal(come(500), minAdmittedRequests);
    answer(minAdmittedRequests, 3_000);
  }
  clock.now += 3_600_000;
  assert.equal(come(minAdmittedRequests), minAdmittedRequests);
});

test("a slow start is no slow worker, and what is quick again is taken for quick", () => {
  const started = admissions();
  for (let n = 0; n < 5; n++) {
    started.come(1);
    started.answer(1, 600);
  }
  assert.equal(started.come(500), 64);
  const slow = admissions();
  slow.come(60);
  slow.answer(60, 200);
  for (let n = 0; n < 50; n++) {
    slow.come(1);
    slow.answer(1, 15);
  }
  assert.ok(slow.come(500) > 100);
});

test("a worker that has answered nobody yet takes on more, but not everybody", () => {
  assert.equal(admissions().come(500), 64);
});

test("a stall is known before anybody is answered", () => {
  const { clock, come, answer } = admissions();
  come(50);
  answer(50, 5);
  assert.equal(come(40), 40);
  clock.now += 100;
  assert.equal(come(500), 0, "ten a second at best, and forty wait");
  answer(40, 5);
  assert.ok(come(100) > 50);
});

test("who is refused in a moment does not make the worker seem fast", () => {
  const { come, answer } = admissions();
  come(50);
  answer(50, 25);
  for (let n = 0; n < 1000; n++) {
    come(1);
    answer(1, 0, false);
  }
  assert.equal(come(500), 40);
});

test("visitors take half of the places at most, however many they are, and users all", () => {
  const slow = admissions();
  assert.equal(slow.come(500, true), minAdmittedRequests);
  assert.equal(slow.come(500), minAdmittedRequests, "64 are taken on before the pace is known");
  const { come, answer } = admissions();
  come(60);
  answer(60, 10);
  assert.equal(come(500, true), 50);
  assert.equal(come(500), 50);
  answer(50, 10);
  assert.equal(come(500, true), 50, "those who left make room");
  answer(100, 10);
  assert.equal(come(500), 100, "where no visitors are, nothing is kept for them");
});

/** An admission control where this many users and visitors are still sending. */
function withSenders(users: number, visitors: number) {
  const clock = { now: 5_000 };
  const { admit, waiting } = admissionControl(() => clock.now);
  const gone: string[] = [];
  const finish: (() => void)[] = [];
  const send = (isVisitor: boolean, name: string) => {
    const place = admit(isVisitor);
    const read = () => new Promise<void>((whole) => finish.push(whole));
    place.receive(read).catch(({ code }) => gone.push(`${name} ${code}`));
    return place;
  };
  for (let n = 0; n < users; n++) send(false, `user ${n}`);
  for (let n = 0; n < visitors; n++) send(true, `visitor ${n}`);
  return { clock, admit, waiting, send, finish, gone };
}

test("who still sends gives way to whoever comes, the first who began first, and visitors before users", async () => {
  const { admit, gone } = withSenders(40, 24);
  for (let n = 0; n < 26; n++) admit();
  await setImmediate();
  assert.equal(gone.length, 26);
  assert.deepEqual(
    [gone[0], gone[23], gone[24], gone[25]],
    ["visitor 0 overloaded", "visitor 23 overloaded", "user 0 overloaded", "user 1 overloaded"],
  );
});

test("no visitor takes the place of a user who sends", async () => {
  const { admit, gone } = withSenders(64, 0);
  assert.throws(() => admit(true), { code: "overloaded" });
  await setImmediate();
  assert.deepEqual(gone, []);
});

test("visitors who send give way to a visitor", async () => {
  const { admit, gone } = withSenders(0, 32);
  admit(true);
  await setImmediate();
  assert.deepEqual(gone, ["visitor 0 overloaded"]);
});

test("who has sent everything keeps the place, and who gave way leaves but once", async () => {
  const { admit, send, finish, gone, waiting } = withSenders(63, 0);
  const last = send(false, "last");
  for (const whole of finish.slice(1)) whole();
  await setImmediate();
  assert.equal(waiting(), 63);
  admit();
  assert.throws(() => admit(), { code: "overloaded" });
  await setImmediate();
  assert.deepEqual(gone, ["user 0 overloaded"]);
  last.leave(false);
  last.leave(false);
  admit();
  assert.throws(() => admit(), { code: "overloaded" });
});

test("who pauses gives way to whoever comes, at once, and else goes on when the time is over", async () => {
  const { admit, waiting } = admissionControl();
  const paused = Array.from({ length: 64 }, () => admit().pause(30_000));
  assert.equal(waiting(), 0, "nobody waits for them");
  for (let n = 0; n < 64; n++) admit();
  assert.throws(() => admit(), { code: "overloaded" });
  assert.deepEqual(await Promise.all(paused), Array(64).fill(false));
  const { admit: admitQuietly, waiting: waitingQuietly } = admissionControl();
  assert.equal(await admitQuietly().pause(10), true);
  assert.equal(waitingQuietly(), 1);
});

test("a slow sender says nothing of the worker's pace", async () => {
  const { clock, admit, finish, send } = withSenders(0, 0);
  const places = Array.from({ length: 60 }, () => admit());
  for (const place of places) {
    clock.now += 10;
    place.leave(true);
  }
  for (let n = 0; n < 10; n++) {
    const slow = send(false, "slow");
    clock.now += 8_000;
    finish.pop()?.();
    await setImmediate();
    clock.now += 10;
    slow.leave(true);
  }
  let taken = 0;
  for (; taken < 500; taken++)
    try {
      admit();
    } catch {
      break;
    }
  assert.ok(taken >= 100, `${taken} where a second serves 100`);
});

test("once half of the places are taken, a person who waits for an answer for a second has four of them", () => {
  const clock = { now: 5_000 };
  const { admit } = admissionControl(() => clock.now);
  const own = Array.from({ length: 20 }, () => admit());
  for (const place of own) place.belongTo("ada");
  clock.now += 1_001;
  assert.throws(() => admit().belongTo("ada"), { code: "overloaded" });
  for (let n = 0; n < 4; n++) admit().belongTo("ben");
  admit().belongTo("ben");
  clock.now += 1_001;
  assert.throws(() => admit().belongTo("ben"), { code: "overloaded" });
  admit().belongTo("eve");
  for (const place of own.slice(0, 17)) place.leave(true);
  admit().belongTo("ada");
});
