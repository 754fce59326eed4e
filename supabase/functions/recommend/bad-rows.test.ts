/**
 * An app whose tables accept anything, and a user who abuses that: rows at impossible times, and texts without an
 * end. Others' feeds, the feature store and what training reads stay as before.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { people, post, uuid } from "../../../testing/community.ts";
import { pickCases } from "../../../testing/courses.ts";
import { assertNear, embedAll, embeddedCommunity, publishWordModel, vectorOf } from "../../../testing/embed.ts";
import { communityFromDatabase } from "../../../trainer/data/replay/from-database.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "bad_rows");
const { pool } = database;
const model = await embeddedCommunity(database);
const app = testApp({ after }, database.url);
await pool.query(`
  do $$
  declare
    checked record;
  begin
    for checked in
      select conrelid::regclass as name, conname from pg_constraint
      where contype = 'c' and (connamespace = 'public'::regnamespace or conrelid = 'recsys.dismissals'::regclass)
    loop
      execute format('alter table %s drop constraint %I', checked.name, checked.conname);
    end loop;
  end
  $$`);
const { eve } = people;
const others = [people.ada, people.ben, people.author];
const times = ["-infinity", "infinity", "0001-01-01T00:00:00Z", "4000-01-01T00:00:00Z"];

/** The posts that others are shown, and in which order. */
async function feeds(): Promise<Record<string, string[]>> {
  const shown: Record<string, string[]> = {};
  for (const user of others) {
    const { status, body } = await app.call(user, { limit: 100 });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.model?.name, "first");
    for (const item of body.items) assert.ok(Number.isFinite(item.score), `score ${item.score}`);
    shown[user] = body.items.map((item) => item.post_id);
  }
  return shown;
}

const before = await feeds();

async function assertSound(): Promise<void> {
  await pool.query("select recsys.roll_up()");
  assert.deepEqual((await pool.query("select * from recsys.feature_store_failures")).rows, []);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  const { community, timeline } = await communityFromDatabase(database);
  const plausible = (at: number) => at >= Date.parse("1990-01-01Z") && at < Date.parse("2200-01-01Z");
  for (const column of [community.users.createdAt, community.posts.createdAt, timeline.at.subarray(0, timeline.length)])
    assert.ok(column.length > 0 && column.every(plausible));
}

const rows: Record<string, (at: string, number: number) => string> = {
  "an own post": (at, number) =>
    `insert into public.posts (id, author_id, title, created_at) values ('${uuid("e", number)}', '${eve}', 'Look', '${at}')`,
  "a post that is edited": (at) => `update public.posts set created_at = '${at}' where author_id = '${eve}'`,
  "a view": (at) =>
    `insert into public.post_views (user_id, post_id, created_at) values ('${eve}', '${post(3)}', '${at}'), ('${eve}', '${uuid("e", 0)}', '${at}')`,
  "a vote": (at) =>
    `insert into public.post_votes (user_id, post_id, created_at) values ('${eve}', '${post(3)}', '${at}')`,
  "a vote against": (at) =>
    `insert into public.post_votes (user_id, post_id, value, created_at) values ('${eve}', '${post(4)}', -1, '${at}')`,
  "a comment": (at) =>
    `insert into public.comments (user_id, post_id, created_at) values ('${eve}', '${post(3)}', '${at}')`,
  "a login": (at) => `insert into public.logins (user_id, created_at) values ('${eve}', '${at}')`,
  "a dismissal": (at) =>
    `insert into recsys.dismissals (user_id, post_id, created_at) values ('${eve}', '${post(5)}', '${at}')
     on conflict (user_id, post_id) do update set created_at = excluded.created_at`,
  "a project": (at) =>
    `insert into public.projects (owner_id, title, created_at) values ('${eve}', 'At ${at}', '${at}')`,
  "a profile": (at) => `update public.profiles set created_at = '${at}' where id = '${eve}'`,
};

for (const [name, row] of Object.entries(rows))
  test(`${name} at times that cannot be`, async () => {
    for (const [number, at] of pickCases(times).entries()) {
      await pool.query(row(at, number));
      await assertSound();
      assert.deepEqual(await feeds(), before, `${name} at ${at}`);
    }
  });

test("everything in the year 2199, as only an owner may write it, waits for its time", async () => {
  await pool.query("update public.profiles set created_at = now() - interval '1 day' where id = $1", [eve]);
  for (const name of ["an own post", "a view", "a vote", "a vote against", "a comment", "a login", "a dismissal"])
    await pool.query(rows[name]("2199-12-31T00:00:00Z", 9));
  await assertSound();
  assert.deepEqual(await feeds(), before);
  // and what comes from now on counts as ever
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ben, post(3)]);
  await assertSound();
  assert.ok(!(await feeds())[people.ben].includes(post(3)));
});

test("texts without an end are read as far as the limits, in feeds, by publishing and by re-embedding", async () => {
  const long = {
    title: uuid("f", 1),
    description: uuid("f", 2),
    tags: uuid("f", 3),
    tag: uuid("f", 4),
    nulls: uuid("f", 5),
  };
  // the end of each text differs from its beginning: who reads more gets another vector
  const text = "concat(repeat('word ', 1000000), repeat('other ', 100))";
  await pool.query(
    `insert into public.posts (id, author_id, title, description, tags) values
      ('${long.title}', '${eve}', ${text}, '', '{}'),
      ('${long.description}', '${eve}', 'Described', ${text}, '{}'),
      ('${long.tags}', '${eve}', 'Tagged', '', array(select 'tag ' || n from generate_series(1, 1000000) as n)),
      ('${long.tag}', '${eve}', 'Tagged once', '', array[${text}]),
      ('${long.nulls}', '${eve}', 'Nothing', '', '{{null,a},{b,null}}')`,
  );
  await pool.query(
    `update public.profiles set bio = ${text}, passions = array(select 'passion ' || n from generate_series(1, 1000000) as n) || null::text where id = '${eve}'`,
  );
  await pool.query(
    `insert into public.projects (owner_id, title) select '${eve}', 'Project ' || n from generate_series(1, 10000) as n`,
  );
  const { rows: posts } = await pool.query(
    "select post_id, length(title) as title, length(description) as description, tags from recsys.source_posts where post_id = any ($1) order by post_id",
    [Object.values(long)],
  );
  assert.deepEqual(
    posts.map((each) => [each.title, each.description, each.tags.length]),
    [
      [1000, 0, 0],
      [9, 50_000, 0],
      [6, 0, 100],
      [11, 0, 1],
      [7, 0, 2],
    ],
  );
  assert.equal(posts[3].tags[0].length, 100);
  assert.deepEqual(posts[4].tags, ["a", "b"]);
  const { rows: users } = await pool.query("select * from recsys.source_users where user_id = $1", [eve]);
  assert.deepEqual([users[0].bio.length, users[0].passions.length, users[0].projects.length], [50_000, 100, 100]);

  assert.equal((await embedAll(database)).failed, 0);
  const { status, body } = await app.call(people.ada, { limit: 100 });
  assert.equal(status, 200);
  assert.ok(body.items.some(({ post_id }) => post_id === long.title));
  assert.ok(body.items.every(({ title }) => title.length <= 1000));
  const published = await publishWordModel(database, "again");
  for (const id of Object.values(long))
    assertNear(await vectorOf(pool, "post", id, model), await vectorOf(pool, "post", id, published), id, 1e-6);
});
