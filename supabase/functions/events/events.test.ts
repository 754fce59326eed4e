/** What events do: in the app's tables, under the user's own role, once. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { onBoth, testDatabase, withOneSession } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, uuid } from "../../../testing/community.ts";
import { mostDaysAgo, mostMinutesAhead } from "./api.ts";
import { event, testApp } from "./testing.ts";

const oneSession = await withOneSession();

const { pool, url } = await testDatabase({ after }, "events");
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const view = (n: number, fields = {}) => event("view", { post_id: post(n), ...fields });
const vote = (n: number, value: number, fields = {}) => event("vote", { post_id: post(n), value, ...fields });
const comment = (n: number, body: string, fields = {}) => event("comment", { post_id: post(n), body, ...fields });
const dismiss = (n: number) => event("dismiss", { post_id: post(n) });

/** One column of what is stored of a user in a table, in order of time. */
async function stored(table: string, column: string, user = people.ben): Promise<unknown[]> {
  const { rows } = await pool.query(`select ${column} as stored from ${table} where user_id = $1 order by created_at`, [
    user,
  ]);
  return rows.map((row) => row.stored);
}

onBoth("each type has its table, and the order of the batch is the order of time", async (t, { pool, url }) => {
  await fillCommunity(pool);
  const outcomes = await testApp(t, url).send(
    people.ben,
    event("login"),
    view(1, { value: 12.5 }),
    vote(1, 1),
    comment(1, "It’s 👍"),
    vote(2, -1),
    dismiss(3),
    view(1),
  );
  assert.deepEqual(outcomes, Array(7).fill("stored"));
  const { rows } = await pool.query({
    text: `select kind, post_id, value, body
      from (
        select 'view' as kind, user_id, post_id, value, null as body, created_at from public.post_views
        union all select 'vote', user_id, post_id, value, null, created_at from public.post_votes
        union all select 'comment', user_id, post_id, value, body, created_at from public.comments
        union all select 'login', user_id, null, null, null, created_at from public.logins
        union all select 'dismiss', user_id, post_id, null, null, created_at from recsys.dismissals
      ) as events
      where user_id = $1 and created_at between now() - interval '1 minute' and now()
      order by created_at`,
    values: [people.ben],
    rowMode: "array",
  });
  assert.deepEqual(rows, [
    ["login", null, null, null],
    ["view", post(1), 12.5, null],
    ["vote", post(1), 1, null],
    ["comment", post(1), null, "It’s 👍"],
    ["vote", post(2), -1, null],
    ["dismiss", post(3), null, null],
    ["view", post(1), null, null],
  ]);
  const interactions = await pool.query("select kind from recsys.source_interactions where user_id = $1", [people.ben]);
  assert.deepEqual(interactions.rows.map(({ kind }) => kind).sort(), ["comment", "view", "view", "vote"]);
  const dismissals = await pool.query("select post_id from recsys.source_dismissals where user_id = $1", [people.ben]);
  assert.deepEqual(dismissals.rows.map(({ post_id }) => post_id).sort(), [post(2), post(3)]);
});

onBoth("the same batch again changes nothing, also when both arrive at the same time", async (t, { pool, url }) => {
  await fillCommunity(pool);
  const app = testApp(t, url);
  const batch = [view(1), vote(1, 1), vote(1, 0), vote(2, 1), comment(1, "once"), event("login"), dismiss(3), view(99)];
  const expected = (outcome: string) => [...Array(7).fill(outcome), "unknown_post"];
  const everything = async () =>
    (
      await pool.query(
        `select (select json_agg(each) from public.post_views as each) as views, (select json_agg(each) from public.post_votes as each) as votes,
           (select json_agg(each) from public.comments as each) as comments, (select json_agg(each) from public.logins as each) as logins,
           (select json_agg(each) from recsys.dismissals as each) as dismissals, (select json_agg(each) from recsys_engine.event_ids as each) as ids`,
      )
    ).rows;
  const both = await Promise.all([app.send(people.ben, ...batch), app.send(people.ben, ...batch.toReversed())]);
  const [first, second] = [both[0], both[1].toReversed()];
  assert.deepEqual([first, second].sort(), [expected("duplicate"), expected("stored")]);
  const before = await everything();
  assert.deepEqual(await app.send(people.ben, ...batch), expected("duplicate"));
  assert.deepEqual(await everything(), before);
  // a vote that was taken back in another batch does not come back when the first one is sent again
  const voted = vote(5, 1);
  await app.send(people.ben, voted);
  await app.send(people.ben, vote(5, 0));
  assert.deepEqual(await app.send(people.ben, voted), ["duplicate"]);
  const { rowCount } = await pool.query("select from public.post_votes where post_id = $1", [post(5)]);
  assert.equal(rowCount, 0);
  assert.deepEqual(app.logged, []);
});

test("an id twice in a batch is one event, and the first of them counts", async (t) => {
  const first = view(1);
  const outcomes = await testApp(t, url).send(people.ben, { ...view(77), id: first.id }, first, {
    ...view(2),
    id: first.id,
  });
  assert.deepEqual(outcomes, ["unknown_post", "stored", "duplicate"]);
  assert.deepEqual(await stored("public.post_views", "post_id"), [post(1)]);
});

test("an id is its user's own: nobody can use up another's", async (t) => {
  const app = testApp(t, url);
  const mine = view(1);
  assert.deepEqual(await app.send(people.ada, mine), ["stored"]);
  assert.deepEqual(await app.send(people.ben, mine), ["stored"]);
  assert.deepEqual(await stored("public.post_views", "post_id", people.ada), [post(1)]);
  assert.deepEqual(await stored("public.post_views", "post_id", people.ben), [post(1)]);
});

test("a bad event fails alone", async (t) => {
  const app = testApp(t, url);
  const events = [
    view(1),
    { ...view(2), user_id: people.ada },
    null,
    view(77),
    vote(3, 1),
    vote(3, 7),
    comment(4, "x"),
  ];
  const { status, body } = await app.call(people.ben, { events });
  assert.equal(status, 200);
  assert.deepEqual(
    body.events.map(({ id, status, code }) => [id, code ?? status]),
    [
      [events[0]?.id, "stored"],
      [events[1]?.id, "unknown_field"],
      [null, "invalid_event"],
      [events[3]?.id, "unknown_post"],
      [events[4]?.id, "stored"],
      [events[5]?.id, "invalid_value"],
      [events[6]?.id, "stored"],
    ],
  );
  assert.deepEqual(await stored("public.post_views", "post_id"), [post(1)]);
  // refused, it is not used up: the post may come
  await pool.query("insert into public.posts (id, title) values ($1, 'late')", [post(77)]);
  assert.deepEqual(await app.send(people.ben, events[3]), ["stored"]);
});

test("a post that one may not read does not exist, whatever one does to it", async (t) => {
  const app = testApp(t, url);
  const on = (type: string, fields = {}) => event(type, { post_id: privatePost, ...fields });
  const outcomes = await app.send(
    people.ben,
    on("view"),
    on("vote", { value: 1 }),
    on("vote", { value: -1 }),
    on("comment", { body: "x" }),
    on("dismiss"),
  );
  assert.deepEqual(outcomes, Array(5).fill("unknown_post"));
  assert.deepEqual(await app.send(people.author, on("view")), ["stored"], "its author may");
  // what was voted for and then hidden can be taken back, and nothing is learned by trying
  await app.send(people.ben, vote(5, 1));
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(5)]);
  assert.deepEqual(await app.send(people.ben, vote(5, 0), vote(77, 0)), ["stored", "stored"]);
  assert.deepEqual(await stored("public.post_votes", "post_id"), []);
});

test("a person has one vote on a post: the last one counts, and the same again leaves it as it was", async (t) => {
  const app = testApp(t, url);
  const votes = () => stored("public.post_votes", "value");
  await app.send(people.ben, vote(1, 1));
  const [at] = await stored("public.post_votes", "created_at");
  await app.send(people.ben, vote(1, 1));
  assert.deepEqual(await stored("public.post_votes", "created_at"), [at]);
  await app.send(people.ben, vote(1, -1));
  assert.deepEqual(await votes(), [-1]);
  await app.send(people.ben, vote(1, 1), vote(1, 0));
  assert.deepEqual(await votes(), []);
  await app.send(people.ben, vote(1, 0), vote(1, -1), vote(1, 1));
  assert.deepEqual(await votes(), [1]);
  // what came by import has no value and is a vote for the post
  await pool.query("update public.post_votes set value = null where user_id = $1", [people.ben]);
  await app.send(people.ben, vote(1, 1));
  assert.deepEqual(await votes(), [null]);
  await app.send(people.ben, vote(1, 0));
  assert.deepEqual(await votes(), []);
  assert.equal((await stored("public.post_votes", "value", people.ada)).length, 2, "nobody else's were touched");
});

test("two votes at the same time are taken one after another", {
  skip: oneSession,
}, async (t) => {
  const first = await pool.connect();
  await first.query("begin");
  await first.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify({ sub: people.ben, role: "authenticated" }),
  ]);
  await first.query("select recsys_engine.record_events($1)", [JSON.stringify([vote(1, 1)])]);
  const second = testApp(t, url).send(people.ben, vote(1, -1));
  // long enough for the second one to have run, if nothing held it
  await new Promise((later) => setTimeout(later, 300));
  await first.query("commit");
  first.release();
  assert.deepEqual(await second, ["stored"]);
  assert.deepEqual(await stored("public.post_votes", "value"), [-1]);
});

test("who knows somebody's id holds up none of their events", { skip: oneSession }, async (t) => {
  const somebody = await pool.connect();
  try {
    await somebody.query("set role authenticated");
    await somebody.query(
      `select pg_advisory_lock(hashtext(name)), pg_advisory_lock(hashtextextended(name, 0)), pg_advisory_lock(hashtext(prefix), hashtext($1))
       from (
         select nspname || '.' || proname as prefix from pg_proc join pg_namespace on pg_namespace.oid = pronamespace where nspname ~ '^recsys'
         union select nspname || '.' || relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname ~ '^recsys'
       ) as known (prefix)
       cross join lateral (values ($1), (prefix || $1), (prefix || ' ' || $1), (prefix || ':' || $1)) as names (name)`,
      [people.ben],
    );
    const late = new Promise((later) => setTimeout(() => later("late"), 3000).unref());
    assert.deepEqual(await Promise.race([testApp(t, url).send(people.ben, vote(1, 1)), late]), ["stored"]);
    // nor by the row that keeps their batches apart
    for (const lock of ["key share", "share", "no key update", "update"])
      await assert.rejects(somebody.query(`select from recsys_engine.user_days for ${lock}`), { code: "42501" });
  } finally {
    somebody.release(true);
  }
});

test("times are plausible: not of the future, not too old, not before the post, nor before somebody signed up", async (t) => {
  const app = testApp(t, url);
  const outcomes = await app.send(
    people.ben,
    view(1, { occurred_at: ago(-mostMinutesAhead - 1) }),
    view(2, { occurred_at: ago(-mostMinutesAhead + 1) }),
    view(3, { occurred_at: ago(mostDaysAgo * 24 * 60 + 1) }),
    view(4, { occurred_at: "0000-01-01T00:00:00Z" }),
    view(5, { occurred_at: "9999-12-31T23:59:59Z" }),
    view(6, { occurred_at: ago(mostDaysAgo * 24 * 60 - 1) }),
    view(7, { occurred_at: ago(60) }),
  );
  assert.deepEqual(outcomes, ["in_the_future", "stored", "too_old", "too_old", "in_the_future", "stored", "stored"]);
  const { rows } = await pool.query(
    `select right(post_id::text, 1)::int as n, round(extract(epoch from now() - post_views.created_at) / 60)::int as minutes, post_views.created_at < posts.created_at as early
     from public.post_views join public.posts on posts.id = post_id where user_id = $1 order by n`,
    [people.ben],
  );
  // what is less than 5 minutes ahead is now; 30 days before now, post 6 was not there: it is 6 hours old
  assert.deepEqual(rows, [
    { n: 2, minutes: 0, early: false },
    { n: 6, minutes: 360, early: false },
    { n: 7, minutes: 60, early: false },
  ]);
  // with a view on each of the 28 days before, a user who signed up now would be known
  await pool.query("update public.profiles set created_at = now() - interval '30 minutes' where id = $1", [people.ada]);
  assert.deepEqual(await app.send(people.ada, view(6, { occurred_at: ago(29 * 24 * 60) })), ["stored"]);
  const {
    rows: [latest],
  } = await pool.query(
    "select round(extract(epoch from now() - created_at) / 60)::int as minutes from public.post_views where user_id = $1 order by id desc limit 1",
    [people.ada],
  );
  assert.equal(latest.minutes, 30);
});

test("whose clock is behind comments twice on a new post, and changes a vote on it", async (t) => {
  const app = testApp(t, url);
  const behind = { occurred_at: ago(60 * 24 * 3) };
  for (const body of ["first", "second"])
    assert.deepEqual(await app.send(people.ben, comment(7, body, behind)), ["stored"]);
  assert.deepEqual(await stored("public.comments", "body"), ["first", "second"]);
  for (const value of [1, -1]) assert.deepEqual(await app.send(people.ben, vote(7, value, behind)), ["stored"]);
  assert.deepEqual(await stored("public.post_votes", "value"), [-1]);
  for (const _ of [1, 2]) assert.deepEqual(await app.send(people.ben, view(7, behind)), ["stored"]);
  assert.equal((await stored("public.post_views", "id")).length, 2);
});

test("two comments of one instant are two, in order", async (t) => {
  const occurred_at = ago(5);
  await testApp(t, url).send(people.ben, comment(1, "first", { occurred_at }), comment(1, "second", { occurred_at }));
  assert.deepEqual(await stored("public.comments", "body"), ["first", "second"]);
});

test("in an archived community it happens at the engine's clock", async (t) => {
  await pool.query("update recsys.settings set clock_shift = interval '400 days'");
  t.after(() => pool.query("update recsys.settings set clock_shift = '0'"));
  await pool.query("update public.posts set created_at = created_at - interval '400 days'");
  assert.deepEqual(await testApp(t, url).send(people.ben, view(9), view(8, { occurred_at: ago(30) })), [
    "stored",
    "stored",
  ]);
  const { rows } = await pool.query(
    "select round(extract(epoch from recsys.clock() - created_at) / 60)::int as minutes from public.post_views order by created_at",
  );
  assert.deepEqual(rows, [{ minutes: 30 }, { minutes: 0 }]);
});

test("seen marks one's own impressions, once", async (t) => {
  const app = testApp(t, url);
  const request_id = uuid("f", 1);
  for (const [n, user] of [people.ben, people.ben, people.ada].entries())
    await pool.query(
      "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values ($1, $2, $3, $4, now() - interval '1 hour')",
      [request_id, user, post(n + 1), n + 1],
    );
  const seen = (n: number, request = request_id) => event("seen", { post_id: post(n), request_id: request });
  const marks = async () =>
    (await pool.query("select seen_at from recsys.impressions order by position")).rows.map((row) => row.seen_at);
  assert.deepEqual(await app.send(people.ben, seen(1), seen(3), seen(4), seen(1, uuid("f", 2)), seen(1)), [
    "stored",
    "unknown_impression",
    "unknown_impression",
    "unknown_impression",
    "stored",
  ]);
  const [first, second, third] = await marks();
  assert.ok(first instanceof Date && Math.abs(first.getTime() - Date.now()) < 10_000);
  assert.deepEqual([second, third], [null, null]);
  await app.send(people.ben, seen(1), { ...seen(2), occurred_at: ago(90) });
  const [again, early] = await marks();
  assert.deepEqual(again, first, "the first time counts");
  assert.ok(Math.abs(early.getTime() - Date.now() + 3_600_000) < 10_000, "not before it was shown");
});

onBoth("what a policy, a constraint or a trigger of the app forbids fails alone", async (t, { pool, url }) => {
  await fillCommunity(pool);
  await pool.query(`
    create policy "no comments under post 2" on public.comments as restrictive for insert to authenticated with check (post_id <> '${post(2)}');
    alter table public.comments add check (body <> 'spam');
    create function public.hold() returns trigger language plpgsql as $$ begin raise exception 'held'; end $$;
    create trigger hold before insert on public.post_votes for each row when (new.post_id = '${post(4)}') execute function public.hold()`);
  const app = testApp(t, url);
  const again = view(1);
  const outcomes = await app.send(
    people.ben,
    again,
    comment(2, "x"),
    comment(3, "spam"),
    vote(4, 1),
    comment(3, "ham"),
    again,
    view(77),
    event("login"),
  );
  assert.deepEqual(outcomes, [
    "stored",
    "not_allowed",
    "not_allowed",
    "not_allowed",
    "stored",
    "duplicate",
    "unknown_post",
    "stored",
  ]);
  const { rows } = await pool.query("select body from public.comments where user_id = $1", [people.ben]);
  assert.deepEqual(rows, [{ body: "ham" }]);
  assert.equal((await pool.query("select from recsys_engine.event_ids")).rowCount, 3);
});

test("what the database cannot do at all is an error of the whole, and nothing is stored", async (t) => {
  const app = testApp(t, url);
  await pool.query("alter table public.comments rename to remarks");
  t.after(() => pool.query("alter table public.remarks rename to comments"));
  const { status, body } = await app.call(people.ben, { events: [view(1), comment(1, "x")] });
  assert.deepEqual([status, body.error?.code], [503, "not_installed"]);
  assert.equal((await pool.query("select from recsys_engine.event_ids")).rowCount, 0);
});
