/**
 * Who belongs somewhere gets candidates from what a worker keeps of those scopes: the same with the same ranks as from all sources. What is kept never
 * decides what is shown, whatever the app says of who and what belongs where, and however that, the policies and the posts change meanwhile.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { courses, pickCases } from "../../../testing/courses.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import type { Connection } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import { noSpan } from "../_shared/http/span.ts";
import { readContext } from "../_shared/recommend/context/read-context.ts";
import { emptyServedState } from "../_shared/recommend/request/cursor.ts";
import { createGlobalCandidatesCache } from "../_shared/recommend/sources/global-candidates.ts";
import { startRetrieval } from "../_shared/recommend/sources/start-retrieval.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await testDatabase({ after }, "scopes");
const random = new Random(1);

const { posts, people } = await fillManyPosts(pool, 3000);
const modelId = await publishVectors({ pool }, posts, unitVectors(random, posts.length));
await pool.query("select recsys.activate_model($1)", [modelId]);
// two organisations, and a fifth of the posts that belong to neither: a person may read three fifths
await pool.query(`
  alter table public.posts add column organisation integer;
  update public.posts set organisation = nullif(('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 5 % 3, 2) where ('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 5 < 4;
  create index on public.posts (organisation);
  create table public.members (user_id uuid, organisation integer not null, declared text not null, primary key (user_id, organisation));
  insert into public.members select id, row_number() over (order by id) % 2, row_number() over (order by id) % 2 from public.profiles;
  grant select on public.members to authenticated, service_role;
  create or replace view recsys.source_memberships with (security_invoker = true) as
    -- as an app may have it: twice the same, and none
    select user_id, declared as scope from public.members union all select user_id, declared from public.members union all select user_id, null from public.members;
  alter table public.posts add column declared text;
  update public.posts set declared = organisation::text;
  create or replace view recsys.source_post_scopes with (security_invoker = true) as select id as post_id, declared as scope from public.posts;
  drop policy "public posts and one's own are readable" on public.posts;
  create policy "those of one's organisations" on public.posts for select to authenticated
    using (organisation is null or organisation in (select organisation from public.members where members.user_id = (select auth.uid())));
  analyze`);
const vector = vectorAt(unitVectors(random, 1), 0);

/**
 * A user's candidates as a worker with that cache finds them, sorted; what it asked the database for; and what they
 * may read.
 */
async function candidatesFor(sub: string, common = createGlobalCandidatesCache()) {
  return await readAs(connections, { sub, role: "authenticated" }, readContext(sub), async (connection, [row]) => {
    const asked = { candidates: 0, scopes: 0 };
    const listened: Connection = {
      query(text, values) {
        asked.candidates += Number(text.includes("recsys_engine.feed_candidates("));
        asked.scopes += Number(text.includes("recsys_engine.scope_candidates("));
        return connection.query(text, values);
      },
      release: () => undefined,
    };
    const page = { limit: 20, served: emptyServedState() };
    const caller = { sub, role: "authenticated" };
    const { posts: found } = await startRetrieval(listened, common, caller, row, page, noSpan)(vector);
    const { rows } = await connection.query("select array_agg(id) as ids from public.posts");
    const comparable = found.map(({ post_id, title, ranks, state }) => ({ post_id, title, ranks, state }));
    comparable.sort((a, b) => (a.post_id < b.post_id ? -1 : 1));
    return { found: comparable, asked, readable: new Set((rows[0] as { ids: string[] }).ids) };
  });
}
const connections = openPool(url, () => undefined);
after(() => connections.end());

const idsOf = ({ found }: Awaited<ReturnType<typeof candidatesFor>>) => found.map(({ post_id }) => post_id);
const ofOrganisation = (organisation: number) => people.filter((_, i) => (i + 1) % 2 === organisation);

test("who belongs somewhere has the same candidates as from all sources, by one question, and so have those after them", async () => {
  const common = createGlobalCandidatesCache();
  const [first, ...others] = ofOrganisation(0);
  for (const [i, person] of [first, ...pickCases(others.slice(0, 8))].entries()) {
    // only who is known to need all sources is asked for by scope
    common.ways.keep(person, "all");
    const ofScope = await candidatesFor(person, common);
    assert.deepEqual(ofScope.asked, { candidates: 1, scopes: Number(i === 0) });
    const ofAll = await candidatesFor(person);
    assert.equal(ofAll.asked.scopes, 0);
    assert.ok(ofScope.found.length > 350);
    assert.deepEqual(ofScope.found, ofAll.found);
  }
  // newcomers of these scopes need not be tried otherwise first
  assert.deepEqual((await candidatesFor(others[10], common)).asked, { candidates: 1, scopes: 0 });
  // of those of others only what is theirs is read
  const [stranger] = ofOrganisation(1);
  const theirs = await candidatesFor(stranger, common);
  assert.deepEqual(theirs.asked, { candidates: 1, scopes: 1 });
  assert.deepEqual(theirs.found, (await candidatesFor(stranger)).found);
});

test("who belongs to several scopes has the best of all, each post once", async () => {
  const common = createGlobalCandidatesCache();
  const [both] = ofOrganisation(0);
  common.ways.keep(both, "all");
  await pool.query("insert into public.members values ($1, 1, '1')", [both]);
  // one belongs to both
  await pool.query(`create or replace view recsys.source_post_scopes with (security_invoker = true) as
    select id as post_id, declared as scope from public.posts union all select id, '1' from public.posts where declared = '0'`);
  const ofScopes = await candidatesFor(both, common);
  assert.deepEqual(ofScopes.asked, { candidates: 1, scopes: 1 });
  assert.deepEqual(ofScopes.found, (await candidatesFor(both)).found);
  await pool.query("delete from public.members where user_id = $1 and organisation = 1", [both]);
  await pool.query(
    `create or replace view recsys.source_post_scopes with (security_invoker = true) as select id as post_id, declared as scope from public.posts`,
  );
});

test("what is written, comes to an organisation or leaves it meanwhile is in the next feed or is not", async () => {
  const common = createGlobalCandidatesCache();
  const [first, second, reader] = ofOrganisation(0);
  for (const person of [first, second, reader]) common.ways.keep(person, "all");
  for (const person of [first, second]) await candidatesFor(person, common);
  const [gone] = idsOf(await candidatesFor(reader, common)).slice(40);
  const { rows } = await pool.query(
    "insert into public.posts (author_id, title, organisation, declared) values ($1, 'new', 0, 0), ($1, 'of others', 1, 1) returning id",
    [first],
  );
  await pool.query("update public.posts set organisation = 1 where id = $1", [gone]);
  const after = await candidatesFor(reader, common);
  assert.deepEqual(after.asked, { candidates: 1, scopes: 0 });
  assert.deepEqual(
    [gone, ...rows.map(({ id }) => id)].map((id) => idsOf(after).includes(id)),
    [false, true, false],
  );
  await pool.query("delete from public.posts where id = any ($1)", [rows.map(({ id }) => id)]);
});

test("whoever goes over to another organisation has its posts in the next feed, and no other", async () => {
  const common = createGlobalCandidatesCache();
  const [first, second, mover] = ofOrganisation(1);
  for (const person of [first, second, mover, ...ofOrganisation(0)]) common.ways.keep(person, "all");
  for (const person of [first, second, mover, ...ofOrganisation(0).slice(0, 3)]) await candidatesFor(person, common);
  await pool.query("update public.members set organisation = 0, declared = '0' where user_id = $1", [mover]);
  const moved = await candidatesFor(mover, common);
  assert.deepEqual(moved.asked, { candidates: 1, scopes: 0 });
  assert.deepEqual(moved.found, (await candidatesFor(mover)).found);
  await pool.query("update public.members set organisation = 1, declared = '1' where user_id = $1", [mover]);
});

test("whatever is said of who belongs where, nobody gets what they may not read, and everybody gets enough", async () => {
  const common = createGlobalCandidatesCache();
  let ofScopes = 0;
  for (const course of courses) {
    const random = new Random(course);
    for (let round = 0; round < 24; round++) await play(random, `course ${course}, round ${round}`);
  }
  async function play(random: Random, round: string) {
    const person = people[random.below(12)];
    common.ways.keep(person, "all");
    const organisation = random.below(3);
    if (random.below(8) === 0)
      await pool.query("update public.members set organisation = $2 where user_id = $1", [person, organisation]);
    // what is said is wrong as often as it is right
    if (random.below(8) === 0)
      await pool.query("update public.members set declared = $2 where user_id = $1", [person, random.below(2)]);
    if (random.below(4) === 0)
      await pool.query("update public.posts set organisation = $2, declared = $3 where id = any ($1)", [
        posts.filter(() => random.below(30) === 0),
        [null, 0, 1, 2][random.below(4)],
        [null, "0", "1", "2"][random.below(4)],
      ]);
    const { found, readable, asked } = await candidatesFor(person, common);
    const hidden = found.filter(({ post_id }) => !readable.has(post_id));
    assert.deepEqual(hidden, [], round);
    assert.ok(found.length >= 300, `${round}: ${found.length} candidates`);
    ofScopes += Number(asked.candidates === 1 && asked.scopes === 0);
  }
  assert.ok(ofScopes > 4 * courses.length, `${ofScopes} by scope`);
});

test("of who says nothing of where they belong, and with a policy that shows too little, all sources are asked", async () => {
  const common = createGlobalCandidatesCache();
  await pool.query("update public.members set organisation = 2, declared = '9' where user_id = any ($1)", [
    people.slice(0, 4),
  ]);
  await pool.query(
    "create policy \"few\" on public.posts as restrictive for select to authenticated using (organisation is null and id < '20000000-0000-4000-8000-000000000000')",
  );
  for (const person of people.slice(0, 4)) {
    common.ways.keep(person, "all");
    const found = await candidatesFor(person, common);
    assert.deepEqual(found.found, (await candidatesFor(person)).found);
    // what is kept of no scope was tried in vain
    assert.equal(found.asked.candidates, 2);
  }
  await pool.query('drop policy "few" on public.posts');
});

test("who belongs nowhere has what is of no scope as from all sources, also where few people wrote all of it", async () => {
  await pool.query("delete from public.members");
  await pool.query("update public.posts set organisation = null where organisation = 2");
  await pool.query("update public.posts set declared = organisation::text");
  const { rows } = await pool.query<{ id: string }>(
    "insert into public.profiles (id, created_at) select md5('newcomer ' || n)::uuid, now() - interval '90 days' from generate_series(1, 4) as n returning id",
  );
  for (const writers of [40, 3]) {
    await pool.query(
      "update public.posts set author_id = ($1::uuid[])[1 + abs(hashtext(id::text)) % cardinality($1)]",
      [people.slice(0, writers)],
    );
    const common = createGlobalCandidatesCache();
    // a user with a scope is the first, since an app may have no scopes
    await pool.query("insert into public.members values ($1, 0, '0')", [people[39]]);
    common.ways.keep(people[39], "all");
    assert.deepEqual((await candidatesFor(people[39], common)).asked, { candidates: 1, scopes: 1 });
    await pool.query("delete from public.members");
    for (const { id } of rows) {
      common.ways.keep(id, "all");
      const found = await candidatesFor(id, common);
      assert.deepEqual(found.asked, { candidates: 1, scopes: 0 }, `${writers} writers`);
      assert.deepEqual(found.found, (await candidatesFor(id)).found);
    }
  }
});
