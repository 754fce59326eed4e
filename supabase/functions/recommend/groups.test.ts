/** Fair groups: no more than a share of a page is of one language or community, and the smallest of them have a floor among the candidates. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "groups");
const { pool, url } = database;

/** 700 posts in English, 35 each of 20 people, and 20 days ago five in Basque, which no source has room for. */
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `update recsys.settings set group_by = 'language', group_share = 1, group_floor = 0, requests_per_minute = null;
     delete from public.posts;
     insert into public.profiles (id, created_at) select md5('author ' || n)::uuid, now() - interval '90 days' from generate_series(0, 19) as n;
     insert into public.posts (author_id, title, language, tags, created_at)
       select md5('author ' || n % 20)::uuid, 'English ' || n, 'en', '{group:big}', now() - n * interval '40 minutes' from generate_series(1, 700) as n;
     insert into public.posts (author_id, title, language, tags, created_at)
       select '${people.eve}', 'Basque ' || n, 'eu', '{other,Group:Small}', now() - interval '20 days' - n * interval '1 minute' from generate_series(1, 5) as n;
     select recsys.roll_up(null)`,
  );
});

const set = (settings: string) => pool.query(`update recsys.settings set ${settings}`);
const basque = ({ items }: Feed) => items.flatMap(({ title }) => /^Basque (\d)$/.exec(title)?.[1] ?? []);
type App = ReturnType<typeof testApp>;
async function feedOf(app: App, who: string | null = people.ben, more: object = {}): Promise<Feed> {
  const request = { limit: 20, ...more };
  const { status, body } = await (who === null ? app.visit(request) : app.call(who, request));
  assert.deepEqual([status, body.degraded], [200, null], JSON.stringify(body).slice(0, 300));
  assert.equal(body.items.length, 20);
  return body;
}

test("small groups are candidates by their floor, and on a page where the share of the others ends", async (t) => {
  const plain = await feedOf(testApp(t, url));
  assert.deepEqual(basque(plain), []);
  await set("group_share = 0.9");
  assert.deepEqual(basque(await feedOf(testApp(t, url))), [], "a share alone brings nothing");
  await set("group_floor = 4");
  const app = testApp(t, url);
  const fair = await feedOf(app);
  assert.equal(basque(fair).length, 2);
  assert.equal(basque(await feedOf(app, null)).length, 2, "to visitors, too");
  const next = await feedOf(app, people.ben, { after: fair.next });
  assert.equal(new Set([...basque(fair), ...basque(next)]).size, 4, "others on the next page");
  const { promoted, why } = fair.items.find(({ title }) => title.startsWith("Basque")) ?? {};
  assert.deepEqual([promoted, why?.kind === "promoted"], [undefined, false], "nobody promoted them");
  assert.deepEqual(app.logged, []);
});

test("a group may be a tag, which its beginning tells from others", async (t) => {
  await set("group_by = 'group:', group_share = 0.8, group_floor = 20");
  assert.equal(basque(await feedOf(testApp(t, url))).length, 4);
  await set("group_by = 'nothing:'");
  assert.deepEqual(basque(await feedOf(testApp(t, url))), [], "without a group there is no small one");
});

test("a reader gets no post that they may not read, muted, dismissed or interacted with", async (t) => {
  await set("group_share = 0.5, group_floor = 5");
  const app = testApp(t, url);
  assert.equal(basque(await feedOf(app)).length, 5);
  const one = (n: number) => `(select id from public.posts where title = 'Basque ${n}')`;
  await pool.query(
    `update public.posts set visibility = 'private' where title = 'Basque 1';
     insert into recsys.dismissals values ('${people.ben}', ${one(2)}, now());
     insert into public.post_views (user_id, post_id) values ('${people.ben}', ${one(3)});
     insert into public.mutes (user_id, kind, value) values ('${people.ben}', 'word', 'Basque 4')`,
  );
  assert.deepEqual(basque(await feedOf(app)), ["5"]);
  await pool.query("delete from public.mutes");
  assert.deepEqual(basque(await feedOf(app, people.ben, { filter: { languages: ["en"] } })), [], "a filter holds");
});

test("the smallest groups are those that together wrote a tenth at most", async () => {
  const small = async () =>
    (
      await pool.query(
        "select title from unnest(recsys_engine.small_group_posts('language')) with ordinality as one (post_id, place) join public.posts on id = post_id order by place",
      )
    ).rows.map(({ title }) => title);
  assert.deepEqual(await small(), ["Basque 1", "Basque 2", "Basque 3", "Basque 4", "Basque 5"]);
  await pool.query(
    `insert into public.posts (author_id, title, language, created_at) select '${people.eve}', 'Finnish ' || n, 'fi', now() - interval '30 days' from generate_series(1, 9) as n`,
  );
  assert.equal((await small()).length, 5, "what is older than 28 days is not counted");
  await pool.query(`update public.posts set created_at = now() - n * interval '1 minute'
     from (select id as other, row_number() over (order by id) as n from public.posts where language = 'fi') as numbered where id = other`);
  assert.deepEqual(
    (await small()).slice(0, 3).map((title) => title.split(" ")[0]),
    ["Finnish", "Basque", "Finnish"],
  );
  await pool.query("update public.posts set language = 'eu' where language = 'en' and title > 'English 5'");
  assert.ok(
    (await small()).every((title) => title.startsWith("Finnish")),
    "no group of more than a tenth is small",
  );
});

/** An account writes 60 posts, 19 days back, that are in the small group or each in one of its own. */
const writeSixty = (group: string, signedUp: string) =>
  pool.query(
    `update public.profiles set created_at = now() - interval '${signedUp}' where id = '${people.ada}';
     insert into public.posts (author_id, title, tags, created_at)
       select '${people.ada}', 'Mine ' || n, array['${group}'], now() - interval '19 days' - n * interval '1 second' from generate_series(1, 60) as n;
     select recsys.roll_up(null)`,
  );

test("one account takes no small group's floor, whether it writes into it or makes groups up", async (t) => {
  await set("group_by = 'group:', group_share = 0.8, group_floor = 5");
  // of three authors
  await pool.query(
    "update public.posts set author_id = md5('author ' || right(title, 1)::int % 3)::uuid where title ^@ 'Basque'",
  );
  for (const group of ["group:small", "group:' || n || '"]) {
    await writeSixty(group, "20 days");
    const { rows } = await pool.query(
      "select title from unnest(recsys_engine.small_group_posts('group:')) with ordinality as one (post_id, place) join public.posts on id = post_id where place <= 5",
    );
    assert.ok(rows.filter(({ title }) => title.startsWith("Basque")).length >= 3, JSON.stringify(rows));
    assert.ok(basque(await feedOf(testApp(t, url))).length >= 2);
    await pool.query("delete from public.posts where title ^@ 'Mine'");
  }
});

test("what a newcomer wrote whom nobody known met is on no floor, and no filter promotes it", async (t) => {
  await set("group_by = 'group:', group_share = 0.8, group_floor = 5");
  await writeSixty("group:mine", "1 hour");
  await pool.query(
    `update public.posts set created_at = now() - interval '1 minute' where title ^@ 'Mine';
     select recsys.roll_up(null);
     delete from recsys_engine.author_readers;
     insert into recsys_engine.usual_newcomers values (true, 0, recsys.clock()) on conflict (only_row) do update set share = 0;
     insert into recsys.promotions (name, filter, factor, ends_at) values ('Ours', '{"tags": ["group:mine"]}', 100, 'infinity')`,
  );
  t.after(() => pool.query("truncate recsys.promotions"));
  const untried = ({ items }: Feed) =>
    items.filter(({ title, why }) => title.startsWith("Mine") && why?.kind !== "exploration");
  assert.deepEqual(untried(await feedOf(testApp(t, url))), []);
  const named =
    "update recsys.promotions set filter = null, factor = null, place = 1, post_id = (select id from public.posts where title = 'Mine 1')";
  await pool.query(named);
  assert.equal((await feedOf(testApp(t, url))).items[0].title, "Mine 1", "an operator may name it");
});

test("what is no group or share is refused", async () => {
  for (const wrong of [
    "group_by = ''",
    "group_by = 'Group:'",
    "group_share = 0",
    "group_share = 1.1",
    "group_floor = 21",
  ])
    await assert.rejects(set(wrong), { code: "23514" });
});
