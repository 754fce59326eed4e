/**
 * What one account, or many, write within minutes takes nothing from what training reads of others, nor from what thinning keeps; and where it did,
 * deleting them heals it. FLOOD=500000 plays it in full, and compares the times of reading.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { eitherDatabase } from "../../../db/testing.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { communityFromDatabase, trainingEvents } from "./from-database.ts";
import { eventsOfPerson } from "./per-user-cap.ts";
import { rollUpAll } from "./roll-up.ts";

const views = Number(process.env.FLOOD ?? 4000);
const inFull = views >= trainingEvents;
/** What is read: less in the short form, so that its flood would be all of it. */
const [latest, ofPerson] = inFull ? [trainingEvents, eventsOfPerson] : [1000, 100];
const database = await eitherDatabase({ after }, "flood");
const { pool } = database;
/** The values read before the flood. */
let calm: Awaited<ReturnType<typeof read>>;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  const size = inFull ? { users: 950, posts: 2500, days: 120 } : { users: 60, posts: 200, days: 40 };
  await writeSyntheticCommunity(folder, { seed: 6, ...size });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await rollUpAll(database, () => {}, AbortSignal.timeout(3_600_000));
  calm = await read();
});

/** So many accounts view 20 posts again and again, at the end of what there is. */
async function flood(accounts: number, each: number): Promise<void> {
  await pool.query(
    `with people as (
       insert into public.profiles (id, external_id, created_at)
       select md5('flood ' || i)::uuid, 'flood-' || i, (select max(at) - interval '2 days' from recsys_engine.timeline) from generate_series(1, $1::integer) as i
       returning id
     ),
     posts as (select array_agg(post_id) as ids from (select post_id from recsys.source_posts order by created_at desc limit 20) as latest)
     insert into public.post_views (user_id, post_id, created_at)
     select people.id, posts.ids[1 + i % 20], (select max(at) from recsys_engine.timeline) + interval '1 second' + i * interval '1 millisecond'
     from people, posts, generate_series(1, $2::integer) as i`,
    [accounts, each],
  );
  await rollUpAll(database, () => {}, AbortSignal.timeout(3_600_000));
}

/** Deletes those who flooded it, and works off what that leaves to do. */
async function deleteFlooders(): Promise<void> {
  await pool.query("delete from public.profiles where external_id like 'flood-%'");
  await pool.query("select recsys.erase()");
  await rollUpAll(database, () => {}, AbortSignal.timeout(3_600_000));
}

/** Fails, with the first that differs, unless two readings are the same. */
function assertSame(is: string[], was: string[]): void {
  const first = was.findIndex((event, i) => event !== is[i]);
  assert.deepEqual([is.length, is[first]], [was.length, was[first]]);
}

/** Everything that is read whole of those who did not flood it, and how much of the others; with the seconds that reading took. */
async function read() {
  const began = performance.now();
  const { community, timeline } = await communityFromDatabase(database, () => {}, latest, ofPerson);
  const seconds = (performance.now() - began) / 1000;
  const { users, posts } = community;
  const honest: string[] = [];
  let others = 0;
  for (let i = timeline.wholeFrom; i < timeline.length; i++) {
    const [user, post] = [users.externalIds?.[timeline.users[i]] ?? "", posts.ids[timeline.posts[i]]];
    if (user.startsWith("flood-")) others++;
    else {
      const { at, kinds, first } = timeline;
      honest.push(JSON.stringify([at[i], user, post, kinds[i], first[i], timeline.userAfter(i)]));
    }
  }
  return { honest, others, seconds };
}

async function thin(): Promise<Date | number> {
  await pool.query("select recsys_engine.prune_feature_store($1, 100000, $2)", [latest, ofPerson]);
  const { rows } = await pool.query("select thinned_before from recsys_engine.pruning_progress");
  return rows[0].thinned_before;
}

test("one account is a bounded share of what is read, the others are read as before, and thinning keeps their states", async () => {
  assert.ok(calm.honest.length > (inFull ? 50_000 : 700), `${calm.honest.length} events`);
  await flood(1, views);
  const flooded = await read();
  assert.equal(flooded.others, ofPerson);
  assert.ok(
    flooded.honest.length >= calm.honest.length - ofPerson,
    `${flooded.honest.length} of ${calm.honest.length}`,
  );
  assertSame(flooded.honest, calm.honest.slice(-flooded.honest.length));
  if (inFull) {
    const again = await read();
    const fastest = Math.min(flooded.seconds, again.seconds);
    console.log(`read in ${calm.seconds.toFixed(1)} s, with ${views} views of one account in ${fastest.toFixed(1)} s`);
    assert.ok(fastest <= 1.5 * calm.seconds, `${fastest} s instead of ${calm.seconds}`);
  }
  await thin();
  const { honest } = await read();
  assertSame(honest, flooded.honest);
});

test("where many accounts pushed out the others, deleting them brings everything back with the next thinning", {
  skip: inFull,
}, async () => {
  await deleteFlooders();
  await flood(40, 100);
  const flooded = await read();
  assert.equal(flooded.honest.length, 0, "it was a flood of many");
  await thin();
  await deleteFlooders();
  assert.equal((await read()).honest.length, 0, "their states are gone");
  await thin();
  await rollUpAll(database, () => {}, AbortSignal.timeout(3_600_000));
  const { honest, others } = await read();
  assert.equal(others, 0);
  assertSame(honest, calm.honest);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  // and there it stays
  await thin();
  assertSame((await read()).honest, calm.honest);
});
