/** Vectors of users in an app's own table, from there to what serves. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type pg from "pg";
import type { Database } from "../../../db/connect.ts";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { type Scope, testDatabase } from "../../../db/testing.ts";
import { parseVector } from "../../../supabase/functions/_shared/database/vectors.ts";
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import { embedAll, queue, vectorOf } from "../../../testing/embed.ts";
import { readModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { Random } from "../../models/nn/random.ts";
import { publishedModel } from "../../release/gate/active-model.ts";
import { publish } from "../../release/publish/publish.ts";
import { temporaryFolder } from "../../testing.ts";
import { trainIntoFolder } from "../../train-into-folder.ts";
import { quickConfig } from "../../training/config/testing.ts";
import { readWarmStart } from "../../warm-start.ts";
import { communityFromDatabase } from "../replay/from-database.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { type PreparedVectors, prepareVectors, vectorSpecOf } from "./prepare-vectors.ts";

before(async () => {
  await startBackend();
});

const quiet = () => {};

/** A community whose posts have vectors, and an app's table for those of its users; `people` in the order of their ids. */
async function fill(scope: Scope, database: Database): Promise<string[]> {
  const { pool } = database;
  const folder = await temporaryFolder(scope);
  await writeSyntheticCommunity(folder, { seed: 3, users: 130, posts: 200, days: 20 });
  await importBundle(database, folder);
  await pool.query(`
    create table public.bios (user_id uuid primary key references public.profiles on delete cascade, model text, embedding extensions.vector(24));
    grant select on public.bios to service_role;
    select recsys.watch('public.bios', 'user_vectors', p_texts => '{embedding}', p_others => '{model}')`);
  const posts = await pool.query("select id, tags[1] as text from public.posts order by id");
  await pool.query(
    `insert into recsys_engine.raw_vectors select id, 'letters', vector from json_to_recordset($1) as given (id uuid, vector real[])`,
    [JSON.stringify(vectorsOf(posts.rows))],
  );
  const { rows } = await pool.query("select id from public.profiles order by id");
  return rows.map(({ id }) => id);
}

/** Vectors of some people that say which topic they interact with most, so that towers find more with them. */
async function writeBios(pool: pg.Pool, people: string[], encoder = "letters"): Promise<void> {
  const { rows } = await pool.query(
    `select profiles.id, coalesce(came.topic, '') as text from public.profiles left join lateral (
       select mode() within group (order by posts.tags[1]) as topic
       from recsys.source_interactions as acts join public.posts on posts.id = acts.post_id where acts.user_id = profiles.id
     ) as came on true where profiles.id = any ($1) order by profiles.id`,
    [people],
  );
  await pool.query(
    `insert into public.bios select id, $2, vector::extensions.vector(24) from json_to_recordset($1) as given (id uuid, vector real[])
     on conflict (user_id) do update set model = excluded.model, embedding = excluded.embedding`,
    [JSON.stringify(vectorsOf(rows)), encoder],
  );
}

/** Of each letter how often a text has it, and noise. */
function vectorsOf(rows: { id: string; text: string }[]): { id: string; vector: number[] }[] {
  const random = new Random(1);
  return rows.map(({ id, text }) => {
    const vector = Array.from({ length: 24 }, () => random.normal() / 4);
    for (const letter of text.toLowerCase()) if (letter >= "a" && letter <= "x") vector[letter.charCodeAt(0) - 97]++;
    return { id, vector };
  });
}

/** The user's own vector in their feed. */
async function inContext(pool: pg.Pool, user: string, model: number): Promise<number[] | null> {
  const { rows } = await pool.query("select components::text from recsys_engine.user_context($1, $2, recsys.clock())", [
    user,
    model,
  ]);
  return rows[0].components && [...parseVector(rows[0].components)];
}

test("vectors of users are trained on, served, and followed when they change", async (t) => {
  const database = await testDatabase(t, "user_vectors");
  const { pool } = database;
  const people = await fill(t, database);
  await writeBios(pool, people.slice(0, 99));
  const few = (await prepareVectors(pool, quiet)) as PreparedVectors;
  assert.equal(few.users, undefined, "99 are too few");
  assert.ok(!("users" in vectorSpecOf(few)));
  await writeBios(pool, people.slice(99, 120));
  await writeBios(pool, people.slice(120, 125), "another");
  const prepared = (await prepareVectors(pool, quiet)) as PreparedVectors;
  assert.equal(prepared.users, 120, "those by another encoder do not count");

  const parent = await temporaryFolder(t);
  const printed: string[] = [];
  const context = {
    database,
    onProgress: quiet,
    signal: new AbortController().signal,
    print: (line: string) => void printed.push(line),
  };
  const trained = await readModelFolder(await trainIntoFolder(context, { seed: 1, config: quickConfig, parent }));
  assert.ok(
    printed.includes(
      "100 % of posts have a vector by letters (24 numbers), which the post tower reads; so have 120 users, whose the user tower reads",
    ),
    printed.join("\n"),
  );
  const { basis } = prepared;
  assert.deepEqual(trained.vectors, { basis: basis.id, encoder: "letters", dimension: 24, users: true });
  const tower = await (await loadRuntime()).createSession(trained.graphs.user_tower);
  assert.ok(tower.inputNames.includes("text_vector"));
  const model = await publish(database, trained, { activate: true });
  await embedAll(database);

  // one of each: come, gone, changed, changed to another encoder's, and one who wants no personalisation any more
  const [come, gone, changed, other, impersonal] = [people[129], people[3], people[4], people[5], people[6]];
  const felt = [come, gone, changed, other, impersonal];
  const earlier = await Promise.all(felt.map((user) => vectorOf(pool, "user", user, model)));
  await pool.query(
    "update public.bios set embedding = (select embedding from public.bios where user_id = $2) where user_id = $1",
    [changed, people[50]],
  );
  await pool.query("delete from public.bios where user_id = $1", [gone]);
  await pool.query("insert into public.bios select $1, model, embedding from public.bios where user_id = $2", [
    come,
    people[60],
  ]);
  await pool.query("update public.bios set model = 'another' where user_id = $1", [other]);
  assert.deepEqual(await queue(pool), [come, gone, changed, other].map((user) => `user ${user}`).sort());
  assert.deepEqual(await embedAll(database), { completed: 4, failed: 0 });
  const again = await publish(database, { ...trained, name: "again" }, { activate: false });
  for (const [i, user] of felt.slice(0, 4).entries()) {
    const vector = (await vectorOf(pool, "user", user, model)) as number[];
    assert.notDeepEqual(vector, earlier[i]);
    const published = (await vectorOf(pool, "user", user, again)) as number[];
    for (const [d, value] of vector.entries()) assert.ok(Math.abs(value - published[d]) < 1e-5, `user ${i}`);
  }
  const said = await Promise.all(felt.map((user) => inContext(pool, user, model)));
  assert.deepEqual(
    said.map((components) => components?.length),
    [64, undefined, 64, undefined, 64],
  );
  assert.deepEqual(said[2], await inContext(pool, people[50], model), "the same vector has the same components");

  // a replay asks it by what the database has
  const { community } = await communityFromDatabase(database);
  const replayed = await publishedModel(
    database,
    { id: model, name: trained.name, featureSpecDigest: await digestOf(pool, model) },
    community,
  );
  const vectors = replayed.userVectors ?? [];
  assert.equal(vectors.filter((vector) => vector !== null).length, 119);
  assert.deepEqual([...(vectors[community.users.ids.indexOf(changed)] ?? [])], said[2]?.map(Math.fround));

  const spec = vectorSpecOf(prepared);
  assert.equal(typeof (await readWarmStart(database, quickConfig, spec)), "object");
  assert.match(
    String(await readWarmStart(database, quickConfig, vectorSpecOf(few))),
    /^model .* reads vectors of users, and there are too few to go on with$/,
  );
  await pool.query("update recsys.models set feature_spec = feature_spec #- '{vectors,users}' where status = 'active'");
  assert.match(
    String(await readWarmStart(database, quickConfig, spec)),
    /^model .* reads no vectors of users, and there are enough by letters$/,
  );
  assert.equal(await inContext(pool, changed, model), null, "a model that reads none is told none");
});

async function digestOf(pool: pg.Pool, model: number): Promise<string> {
  const { rows } = await pool.query("select feature_spec_digest from recsys.models where model_id = $1", [model]);
  return rows[0].feature_spec_digest;
}

test("users are found by a table that says who they are, and without a model's name they go with the posts", async (t) => {
  const database = await testDatabase(t, "user_vectors");
  const { pool } = database;
  const people = await fill(t, database);
  await pool.query(`
    create table public.members (id bigint generated always as identity primary key, auth_id uuid not null unique references public.profiles on delete cascade);
    insert into public.members (auth_id) select id from public.profiles order by id;
    create table public.cards (member_id bigint primary key references public.members on delete cascade, face double precision[]);
    select recsys.watch('public.cards', 'user_vectors', p_user_id => 'member_id', p_texts => '{face}', p_user_lookup => '{public.members,id,auth_id}');
    insert into public.cards select id, array_fill(0.5, array[23]) || id::double precision from public.members where id <= 110`);
  const asService = async () => {
    const client = await pool.connect();
    try {
      await client.query("begin; set local role service_role");
      const found = await client.query(
        "select encoder, dimension, entities from recsys_engine.own_vector_shapes('user')",
      );
      return found.rows;
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  assert.deepEqual(await asService(), [], "who they are may not be read");
  const { rows } = await pool.query("select statement from recsys_engine.missing_reads('service_role')");
  assert.deepEqual(rows.map(({ statement }) => statement).sort(), [
    "grant select (id, auth_id) on public.members to service_role",
    "grant select (member_id, face) on public.cards to service_role",
  ]);
  await pool.query("select recsys.grant_reads('service_role')");
  assert.deepEqual(await asService(), [{ encoder: "", dimension: 24, entities: 110 }]);
  assert.equal((await prepareVectors(pool, quiet))?.users, 110);
  await pool.query("truncate recsys_engine.embedding_jobs");
  await pool.query("update public.cards set face = face || 1::double precision where member_id = 1");
  assert.deepEqual(await queue(pool), [`user ${people[0]}`]);
  await pool.query("truncate recsys_engine.reduced_user_vectors");
  assert.equal((await prepareVectors(pool, quiet))?.users, 109, "a vector of another length is none");
});
