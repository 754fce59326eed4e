/** What an app may have in the column with its vectors, and what it may do with the table. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { people, post } from "../../../testing/community.ts";
import { embedAll, embeddedCommunity } from "../../../testing/embed.ts";

const database = await eitherDatabase({ after }, "own_vectors");
const { pool } = database;

before(async () => {
  const model = await embeddedCommunity(database);
  await pool.query(
    `insert into recsys_engine.vector_bases (basis_id, encoder, dimension, weights) values ('of three', 'letters', 3, decode(repeat('0000803f', 3 * 65), 'hex'))`,
  );
  await pool.query(
    `update recsys.models set feature_spec = feature_spec || '{"vectors":{"basis":"of three","encoder":"letters","dimension":3}}' where model_id = $1`,
    [model],
  );
  await pool.query(`
    create schema "an ""odd"" one's";
    create table "an ""odd"" one's"."its 'vectors'" (id uuid primary key, "the ""vector"" --" double precision[], "mo'del" text);
    grant usage on schema "an ""odd"" one's" to service_role;
    select recsys.watch('"an ""odd"" one''s"."its ''vectors''"', 'vectors', p_post_id => 'id', p_texts => array['the "vector" --'], p_others => array['mo''del']);
    select recsys.grant_reads('service_role')`);
});

const table = `"an ""odd"" one's"."its 'vectors'"`;
const reduced = async () => {
  const { rows } = await pool.query("select post_id from recsys_engine.reduced_vectors order by 1");
  return rows.map(({ post_id }) => post_id);
};
const edit = (id: string) => pool.query("update public.posts set title = title || '.' where id = $1", [id]);
const problems = async () => {
  const { rows } = await pool.query("select problem, cure from recsys.check() where problem ~ 'vector'");
  return rows;
};

test("one post's vector that says nothing, or that real does not hold, keeps no other from being read", async () => {
  await pool.query(`insert into ${table} values ($1, '{1,2,3}', 'letters')`, [post(2)]);
  const given = ["{1e-60,2,3}", "{1e300,2,3}", "{NaN,1,2}", "{-Infinity,1,2}", "{0,0,0}", "{1,2}", "{}", null];
  for (const [i, vector] of given.entries()) {
    await pool.query(
      `insert into ${table} values ($1, $2, 'letters') on conflict (id) do update set "the ""vector"" --" = $2`,
      [post(1), vector],
    );
    await edit(post(2));
    assert.deepEqual(await embedAll(database), { completed: 2, failed: 0 });
    assert.deepEqual(await reduced(), i === 0 ? [post(1), post(2)] : [post(2)], String(vector));
  }
});

test("a vector that comes or is made again is no edit of its post", async () => {
  await pool.query("truncate recsys_engine.edited_posts");
  await pool.query(`update ${table} set "the ""vector"" --" = '{3,2,1}'`);
  assert.deepEqual((await pool.query("select post_id from recsys_engine.edited_posts")).rows, []);
  await edit(post(3));
  assert.deepEqual((await pool.query("select post_id from recsys_engine.edited_posts")).rows, [{ post_id: post(3) }]);
});

test("a table that may not be read, or whose column is gone, stops no embedding, and check says so", async () => {
  await embedAll(database);
  await pool.query(
    `revoke all on schema "an ""odd"" one's" from service_role; revoke all on ${table} from service_role`,
  );
  await edit(post(2));
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
  const denied = await problems();
  const problem = `service_role may not read the vectors of posts in ${table}, and their towers go by words alone`;
  assert.deepEqual(
    denied.map((row) => row.problem),
    [problem, problem],
  );
  for (const { cure } of denied) await pool.query(cure);
  assert.deepEqual(await problems(), []);

  await pool.query(`alter table ${table} rename "the ""vector"" --" to vector`);
  await edit(post(3));
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
  const { rows } = await pool.query(
    "select stops, problem from recsys.check() where problem ~ 'a column that is gone'",
  );
  assert.equal(rows.length, 1);
  // watched by its new name, the app writes again
  await pool.query(
    `select recsys.watch('"an ""odd"" one''s"."its ''vectors''"', 'vectors', p_post_id => 'id', p_texts => '{vector}', p_others => array['mo''del'])`,
  );
  await pool.query(`insert into ${table} values ($1, '{1,2,3}', 'letters')`, [post(4)]);
  await pool.query("select recsys.grant_reads('service_role')");
  await embedAll(database);
  assert.deepEqual(await reduced(), [post(1), post(2), post(4)]);
  await pool.query(`drop table ${table}`);
  await edit(post(2));
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
});

test("vectors of users are found by an index, else their table is named, and one that says nothing is none", async () => {
  await pool.query(`
    create table public.moods (who uuid, mood real[], model text);
    create table public.members (id bigint primary key, auth_id uuid unique);
    create table public.faces (member_id bigint, face extensions.vector);
    select recsys.watch('public.moods', 'user_vectors', p_user_id => 'who', p_texts => '{mood}', p_others => '{model}');
    select recsys.watch('public.faces', 'user_vectors', p_user_id => 'member_id', p_texts => '{face}', p_user_lookup => '{public.members,id,auth_id}');
    select recsys.grant_reads('service_role')`);
  const found = await problems();
  assert.deepEqual(
    found.map(({ cure }) => cure),
    ["create index concurrently on public.faces (member_id)", "create index concurrently on public.moods (who)"],
  );
  for (const { cure } of found) await pool.query(cure);
  assert.deepEqual(await problems(), []);
  await pool.query("update recsys.models set feature_spec = jsonb_set(feature_spec, '{vectors,users}', 'true')");
  await pool.query("insert into public.members values (7, $1)", [people.ada]);
  await pool.query("insert into public.faces values (7, '[1,2,3]')");
  await embedAll(database);
  const users = async () => (await pool.query("select user_id from recsys_engine.reduced_user_vectors")).rows;
  assert.deepEqual(await users(), [{ user_id: people.ada }]);
  for (const face of ["[0,0,0]", "[1,2]", null]) {
    await pool.query("update public.faces set face = $1", [face]);
    assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
    assert.deepEqual(await users(), [], String(face));
  }
  // a person who is unknown, or has no account yet, keeps no other from being read
  await pool.query(
    "insert into public.members values (8, null); insert into public.faces values (8, '[1,2,3]'), (9, '[1,2,3]'), (null, '[1,2,3]')",
  );
  await pool.query("insert into public.moods values ($1, '{1,2,3}', 'letters'), (null, '{1,2,3}', 'letters')", [
    people.ben,
  ]);
  await embedAll(database);
  assert.deepEqual(await users(), [{ user_id: people.ben }]);
  await pool.query(
    "insert into public.moods select gen_random_uuid(), '{1,2,3,4}', 'letters' from generate_series(1, 3)",
  );
  const [other] = await problems();
  assert.equal(
    other.problem,
    "3 users have a vector by letters (4 numbers), and the posts have theirs by letters (3 numbers): these users are embedded by their words alone",
  );
  await pool.query("drop table public.moods, public.faces, public.members");
});

test("a table in which a post's vector is found by no index is named", async () => {
  await pool.query(`
    create table public.numbered (id bigint primary key, vector real[]);
    create table public.pieces (post_id uuid, vector real[]);
    select recsys.watch('public.numbered', 'vectors', p_post_id => 'id', p_texts => '{vector}');
    select recsys.watch('public.pieces', 'vectors', p_texts => '{vector}');
    select recsys.grant_reads('service_role')`);
  const found = await problems();
  const cures = ["public.numbered (recsys.id_of(id::bigint))", "public.pieces (post_id)"];
  assert.deepEqual(
    found.map(({ cure }) => cure),
    cures.map((on) => `create index concurrently on ${on}`),
  );
  for (const { cure } of found) await pool.query(cure);
  assert.deepEqual(await problems(), []);
});

test("several vectors of a post are named by their table and counted, and so is a basis that is missing", async () => {
  const found = async () => {
    const { rows } = await pool.query(
      "select stops, problem, cure from recsys.check() where problem ~ 'several vectors|basis' order by problem",
    );
    return rows;
  };
  await pool.query(`
    create table public.chunks (post_id uuid, made extensions.halfvec(2), by text);
    grant select on public.chunks to service_role;
    select recsys.watch('public.chunks', 'vectors', p_texts => '{made}', p_others => '{by}');
    insert into public.chunks select id, '[1,2]', 'one' from public.posts limit 9`);
  // of another model, without a vector, of no post
  await pool.query(
    "insert into public.chunks select post_id, '[1,2]', 'two' from public.chunks; insert into public.chunks select post_id, null, 'one' from public.chunks; insert into public.chunks values (null, '[1,2]', 'one'), (null, '[1,2]', 'one')",
  );
  assert.deepEqual(await found(), []);
  const several = {
    stops: false,
    problem: "public.chunks has several vectors of a post, and of each the lowest is read",
    cure: "keep the mean of each post's vectors in a table of its own, and watch that in its place: recsys.watch, recsys.unwatch",
  };
  await pool.query(
    "insert into public.chunks select post_id, '[2,1]', 'one' from public.chunks where by = 'two' limit 1",
  );
  assert.deepEqual(await found(), [several]);
  await pool.query("insert into public.chunks select post_id, '[2,1]', 'two' from public.chunks where by = 'two'");
  assert.deepEqual(await found(), [{ ...several, problem: several.problem.replace("a post", "9 posts") }]);
  await pool.query("drop table public.chunks");
  await pool.query("delete from recsys_engine.vector_bases");
  const { rows } = await pool.query("select name from recsys.models where status = 'active'");
  assert.deepEqual(await found(), [
    {
      stops: false,
      problem: `the basis by which model ${rows[0].name} reads vectors by letters is missing, and its posts are embedded by their words alone`,
      cure: "bring back the rows of recsys_engine.vector_bases from where this database comes from; or npx --no-install recsys train, then npx --no-install recsys publish, which make another",
    },
  ]);
  await pool.query("update recsys.models set status = 'retired'");
  assert.deepEqual(await found(), []);
});
