/** An author who writes, and is interacted with, more than all others together has a share of each source, in SQL as in the replay. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import {
  type Source,
  sourceNames,
  sourceOptions,
  sources,
} from "../../../supabase/functions/_shared/features/retrieval.ts";
import { Random } from "../../models/nn/random.ts";
import { communityFromDatabase } from "./from-database.ts";
import { assertAgrees, instantAfter, unitVectors } from "./testing.ts";

const database = await testDatabase({ after }, "share");
const { pool } = database;
const id = (kind: string, number: number) => `${kind}0000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const then = "now() - interval '100 hours'";
const [reader, many] = [id("a", 0), id("a", 1)];

/**
 * 50 authors wrote 10 posts each in the last days, with two people's interactions, and then 4, two at an instant, without any; later one wrote 700,
 * 200 of them with three people. The reader interacted with posts of all authors and follows these; logins come days later, so a week says enough.
 */
await pool.query(`
  create function pg_temp.id(kind text, number bigint) returns uuid language sql immutable as $$
    select (kind || '0000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid
  $$;
  insert into public.profiles (id, created_at) select pg_temp.id('a', n), ${then} - interval '90 days' from generate_series(0, 59) as n;
  insert into public.posts (id, author_id, title, created_at)
  select pg_temp.id('b', n), pg_temp.id('a', 10 + n % 50), 'post ' || n, ${then} - interval '3 days' - n * interval '1 minute' from generate_series(0, 499) as n
  union all select pg_temp.id('d', n), pg_temp.id('a', 10 + n % 50), 'quiet ' || n, ${then} - interval '2 days' - n / 2 * interval '11 seconds' - interval '700 milliseconds' from generate_series(0, 199) as n
  union all select pg_temp.id('c', n), '${many}', 'of many ' || n, ${then} - interval '1 day' - n * interval '1 minute' from generate_series(1, 700) as n;
  insert into public.comments (user_id, post_id, created_at)
  select pg_temp.id('a', 2 + person), pg_temp.id('b', n), ${then} - interval '2 days' - (2 * n + person) * interval '1 second' from generate_series(0, 499) as n, generate_series(0, 1) as person
  union all
  select pg_temp.id('a', 4 + person), pg_temp.id('c', n), ${then} - interval '1 hour' - (4 * n + person) * interval '1 second' from generate_series(1, 200) as n, generate_series(0, 2) as person;
  insert into public.comments (user_id, post_id, created_at)
  select pg_temp.id('a', 8), pg_temp.id('b', n), ${then} - interval '2 days' + n * interval '1 second' + interval '250 milliseconds' from generate_series(100, 149) as n;
  insert into public.follows (user_id, kind, target, created_at) select '${reader}', 'person', pg_temp.id('a', 2 + person)::text, ${then} - interval '9 days' from generate_series(0, 6) as person;
  insert into public.post_views (user_id, post_id, created_at)
  select '${reader}'::uuid, pg_temp.id('b', n), ${then} - interval '1 day' - n * interval '1 second' - interval '500 milliseconds' from generate_series(200, 249) as n
  union all select '${reader}', pg_temp.id('c', n), ${then} - interval '2 hours' - n * interval '1 second' from generate_series(699, 700) as n;
  insert into public.logins (user_id, created_at) values ('${reader}', now());
  select recsys.roll_up(null)`);
const loaded = await communityFromDatabase(database);
const random = new Random(1);
const vectors = unitVectors(random, loaded.community.posts.ids.length);
// and what the one wrote is what the reader cares about: half of it is one and the same to them
const interest = unitVectors(random, 1);
for (const [i, author] of loaded.community.posts.authors.entries())
  if (loaded.community.users.ids[author] === many) {
    const noise = i % 2 === 0 ? 0 : 0.1;
    const near = interest.map((value, d) => value + noise * vectors[i * dimensions + d]);
    vectors.set(
      near.map((value) => value / Math.hypot(...near)),
      i * dimensions,
    );
  }
// more speaks for what the one wrote than for what all others did
const from = (kind: string, first: number, weight: number) =>
  Array.from({ length: 50 }, (_, n): [string, number] => [id(kind, first + n), weight]);
const neighbours = new Map([
  [id("b", 200), from("c", 1, 2)],
  [id("b", 201), from("d", 0, 1)],
  [id("b", 202), from("d", 50, 1)],
]);
const instant = await instantAfter(database, loaded, vectors, loaded.timeline.length, neighbours);

test("of each source the author has a tenth, and others all that is left", async () => {
  const user = loaded.community.users.ids.indexOf(reader);
  const candidates = await assertAgrees(instant, user, interest);
  for (const source of sourceNames) {
    const brought = candidates.filter(({ ranks }) => ranks[source] !== null);
    const { size, maxPerAuthor } = sourceOptions[source];
    assert.equal(brought.length, size, source);
    assert.equal(maxPerAuthor, size / 10, source);
    assert.equal(brought.filter(({ author_id }) => author_id === many).length, maxPerAuthor, source);
  }
});

test("who interacted with no other author's posts is brought that author's alone as what they follow", async () => {
  const user = loaded.community.users.ids.indexOf(id("a", 4));
  const candidates = await assertAgrees(instant, user, unitVectors(random, 1));
  const followed = candidates.filter(({ ranks }) => ranks.followed !== null);
  assert.equal(followed.length, sources.followed.size);
  assert.ok(followed.every(({ author_id }) => author_id === many));
});

test("who asks for that author's posts gets as many as there are places", async () => {
  const brought = async (filter: object | null) => {
    const { rows } = await pool.query<{ author_id: string; ranks: Partial<Record<Source, number>> }>(
      "select author_id, ranks from recsys_engine.retrieve($1, null, null, now(), p_filter => $2)",
      [reader, filter],
    );
    return (source: Source) => rows.filter(({ author_id, ranks }) => author_id === many && ranks[source]).length;
  };
  assert.equal((await brought(null))("fresh"), 10);
  const asked = await brought({ author_ids: [many] });
  assert.deepEqual([asked("active"), asked("fresh"), asked("trending")], [300, 100, 50]);
});
