/** Lag of a replica as a worker measures it, with a fake clock and fake databases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "./database.ts";
import { replicaOf } from "./replica.ts";
import { service } from "./run-as-caller.ts";

/** A fake primary and replica, whose state the test sets. */
function played() {
  const state = {
    at: 0,
    written: 100,
    follows: true,
    replayed: 100,
    age: 0 as number | null,
    fails: null as Error | null,
    waits: null as Promise<void> | null,
  };
  const answers = async (text: string) => {
    if (text.includes("pg_current_wal_lsn")) return { rows: [{ written: state.written }] };
    if (!text.includes("pg_last_wal_replay_lsn")) return { rows: [] };
    if (state.fails) throw state.fails;
    await state.waits;
    return { rows: [{ follows: state.follows, replayed: state.replayed, age: state.age, version: 7 }] };
  };
  const connection: Connection = { query: answers, release: () => undefined };
  const codes: string[] = [];
  const replica = replicaOf(
    { connect: async () => connection },
    (code) => codes.push(code),
    5_000,
    () => state.at,
  );
  const read = () => replica.read(connection, service, async (_, version) => version);
  /** Checks the replica again as a feed does, in the background. */
  const lookAgain = async () => {
    replica.lookAgain(connection);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    return replica.isUsable();
  };
  return { state, codes, read, lookAgain, replica };
}

test("one that has all that was noted within five seconds is read", async () => {
  const { state, codes, read } = played();
  assert.equal(await read(), 7);
  // an hour without writes and without checks
  Object.assign(state, { at: 3_600_000, age: 3_600_000 });
  assert.equal(await read(), 7);
  // the primary continues to write: the replica has the position noted before, not the latest one
  Object.assign(state, { at: 3_604_000, written: 200 });
  assert.equal(await read(), 7);
  assert.deepEqual(codes, []);
});

test("one of which nothing is known is read by its own clock, or not at all, and that is no fault", async () => {
  const { state, codes, read, replica } = played();
  Object.assign(state, { replayed: 90, age: 60_000 });
  assert.equal(await read(), null);
  Object.assign(state, { at: 300, age: 100 });
  assert.equal(await read(), 7);
  Object.assign(state, { at: 600, age: null });
  assert.equal(await read(), null);
  assert.ok(replica.isUsable());
  assert.deepEqual(codes, []);
});

test("one that lacks for longer than five seconds what the primary had is out, and back when it has it", async () => {
  const { state, codes, read, lookAgain, replica } = played();
  Object.assign(state, { replayed: 90, age: 60_000 });
  for (state.at = 0; state.at <= 5_000; state.at += 1_000) assert.equal(await read(), null);
  assert.deepEqual([codes, replica.isUsable()], [[], true]);
  state.at = 5_001;
  assert.equal(await read(), null);
  assert.deepEqual([codes, replica.isUsable()], [["replica_disabled"], false]);
  assert.equal(await lookAgain(), false, "not before a second is over");
  state.replayed = 100;
  assert.equal(await lookAgain(), false);
  state.at += 1_000;
  assert.equal(await lookAgain(), true);
  assert.deepEqual(codes, ["replica_disabled", "replica_enabled"]);
});

test("one that is asked twice whether it is back, since the first answer takes long, is back once", async () => {
  const { state, codes, read, lookAgain } = played();
  state.fails = new Error("connect");
  assert.equal(await read(), null);
  state.fails = null;
  const answered = Promise.withResolvers<void>();
  state.waits = answered.promise;
  state.at += 1_000;
  assert.equal(await lookAgain(), false);
  state.at += 1_000;
  assert.equal(await lookAgain(), false);
  answered.resolve();
  assert.equal(await lookAgain(), true);
  assert.deepEqual(codes, ["replica_disabled", "replica_enabled"]);
});

test("one that was promoted, fails, or is in a conflict is out; somebody's costly question is no fault of it", async () => {
  for (const [fault, codesAfter] of [
    [{ follows: false }, ["replica_disabled"]],
    [{ fails: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) }, ["replica_disabled"]],
    [{ fails: Object.assign(new Error("conflict with recovery"), { code: "40001" }) }, ["replica_disabled"]],
    [{ fails: Object.assign(new Error("statement timeout"), { code: "57014" }) }, []],
  ] as const) {
    const { state, codes, read, lookAgain } = played();
    Object.assign(state, fault);
    assert.equal(await read(), null);
    state.at = 1_000;
    // while the state stays the same, nothing more is logged
    assert.equal(await lookAgain(), codesAfter.length === 0);
    assert.deepEqual(codes, codesAfter);
  }
});
