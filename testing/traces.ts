/** For tests of erasure: a user and a post in every table that the engine has for them, and the tables in which an id still stands. */
import assert from "node:assert/strict";
import type pg from "pg";
import { people, post } from "./community.ts";

/** The tables, of whatever schema, with a row in which the id stands in any column, whatever its type. */
export async function tablesWith(pool: pg.Pool, id: string): Promise<string[]> {
  const { rows } = await pool.query(
    `select oid::regclass::text as name from pg_class
     where relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and relkind in ('r', 'p', 'm') and not relispartition
     order by 1`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    // a row as text has all columns, json and arrays too; bytes are in hex, where an id has no hyphens
    const { rowCount } = await pool.query(
      `select from ${name} as any_row where any_row::text like $1 or any_row::text like $2 limit 1`,
      [`%${id}%`, `%${id.replaceAll("-", "")}%`],
    );
    if (rowCount) found.push(name);
  }
  return found;
}

/** Tables with a column for the id of a post or user, by what the column is called. */
async function tablesFor(pool: pg.Pool, columns: string[]): Promise<string[]> {
  const { rows } = await pool.query(
    `select distinct pg_class.oid::regclass::text as name from pg_class
     join pg_attribute on attrelid = pg_class.oid and attname = any($1) and attnum > 0
     where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p') and not relispartition order by 1`,
    [[...columns, ...columns.map((column) => `${column}s`), "entity_id"]],
  );
  return rows.map(({ name }) => name);
}

export const vector = JSON.stringify(Array.from({ length: 32 }, (_, d) => (d === 0 ? 1 : 0)));

/** Puts a user and a post of theirs into every table that the engine has for users and posts. */
export async function spread(pool: pg.Pool, user: string, own: string, model: number): Promise<void> {
  await pool.query("insert into public.posts (id, author_id, title, tags) values ($1, $2, 'my own', '{mine}')", [
    own,
    user,
  ]);
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select $1, id, now() - interval '1 hour' from public.posts where author_id <> $1`,
    [user],
  );
  // others interact with the user's post, and with posts where the user was before them
  await pool.query(
    `insert into public.comments (user_id, post_id, created_at)
     select $2, id, now() from public.posts where id = $1 or id = any($3)`,
    [own, people.ben, [post(1), post(2)]],
  );
  await pool.query("insert into public.logins (user_id) values ($1)", [user]);
  await pool.query("select recsys.roll_up(null)");
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
     values (gen_random_uuid(), $1, $3, 1, now()), (gen_random_uuid(), $2, $4, 1, now()), (gen_random_uuid(), $2, $4, 1, now() - interval '2 months')`,
    [user, people.ben, post(3), own],
  );
  await pool.query(
    `insert into recsys_engine.shadow_impressions (request_id, post_id, shadow_model_id, user_id, shown_at, served_score, served_probabilities)
     values (gen_random_uuid(), $3, $5, $1, now(), 1, '{1,1,1}'), (gen_random_uuid(), $4, $5, $2, now(), 1, '{1,1,1}')`,
    [user, people.ben, post(3), own, model],
  );
  await pool.query("insert into recsys.dismissals values ($1, $3, now()), ($2, $4, now())", [
    user,
    people.ben,
    post(3),
    own,
  ]);
  await pool.query("insert into recsys_engine.exploration_impressions values ($3, $1, now()), ($4, $2, now())", [
    user,
    people.ben,
    post(3),
    own,
  ]);
  await pool.query("select recsys_engine.update_exploration_stats()");
  await pool.query(
    `insert into recsys_engine.author_readers values ($1, array[$2::uuid]), ($2, array[$1::uuid])
     on conflict (user_id) do update set user_ids = excluded.user_ids`,
    [user, people.ben],
  );
  await pool.query(
    `insert into recsys_engine.user_affinities (user_id, until, acts, authors, affinities, post_ids)
     values ($1, now(), 1, '{}', '{}', array[$3::uuid]), ($2, now(), 2, array[$1::uuid], '{2}', array[$4::uuid, $3]) on conflict do nothing`,
    [user, people.ben, post(1), own],
  );
  await pool.query("insert into recsys_engine.first_day_interactions values ($1, 1, now()) on conflict do nothing", [
    user,
  ]);
  await pool.query("insert into recsys_engine.bursts values ($1, current_date, now()) on conflict do nothing", [user]);
  await pool.query("insert into recsys_engine.circle_members values ($1)", [user]);
  await pool.query("insert into recsys_engine.post_topics values ($1, 1, 1)", [own]);
  await pool.query(
    `insert into recsys.promotions (name, post_id, place, people, ends_at)
     values ('Pinned', $1, 1, null, now() + interval '1 day'), ('For them', $2, 2, jsonb_build_object('user_ids', array[$3::uuid, $4]), now() + interval '1 day')`,
    [own, post(6), user, people.ben],
  );
  await pool.query("insert into recsys_engine.raw_vectors values ($1, 'tested', '{1,2}')", [own]);
  await pool.query(
    `insert into recsys_engine.vector_bases (basis_id, encoder, dimension, weights) values ('tested', 'tested', 2, decode(repeat('00', 520), 'hex')) on conflict do nothing`,
  );
  await pool.query("insert into recsys_engine.encoding_jobs (post_id) values ($1) on conflict do nothing", [own]);
  await pool.query(
    "insert into recsys_engine.idea_pool (pool, post_ids) values ('[]', $1) on conflict (is_only) do update set post_ids = excluded.post_ids",
    [[own, post(3)]],
  );
  await pool.query("insert into recsys_engine.reduced_vectors values ($1, 'tested', $2)", [
    own,
    JSON.stringify(Array(64).fill(0)),
  ]);
  await pool.query("insert into recsys_engine.raw_user_vectors values ($1, 'tested', '{1,2}')", [user]);
  await pool.query("insert into recsys_engine.reduced_user_vectors values ($1, 'tested', $2)", [
    user,
    JSON.stringify(Array(64).fill(0)),
  ]);
  await pool.query("insert into recsys_engine.event_ids values ($1, gen_random_uuid(), now())", [user]);
  await pool.query("insert into recsys_engine.user_days (user_id, events) values ($1, 1)", [user]);
  await pool.query("select recsys_engine.consume_rate_limit($1)", [user]);
  await pool.query(
    "insert into recsys_engine.similar_people values ($1::uuid, $3::bigint, '{}'), ($2, $3, array[$1::uuid])",
    [user, people.ben, model],
  );
  for (const [kind, id] of [
    ["user", user],
    ["post", own],
  ]) {
    await pool.query(
      `insert into recsys.${kind}_embeddings (model_id, ${kind}_id, embedding, id_embedding) values ($1, $2, $3, $3) on conflict do nothing`,
      [model, id, vector],
    );
    await pool.query(
      "insert into recsys_engine.embedding_jobs (kind, entity_id) values ($1, $2) on conflict do nothing",
      [kind, id],
    );
    await pool.query("insert into recsys_engine.embedding_changes values ($1, $2, pg_current_xact_id())", [kind, id]);
  }
  await pool.query(
    `with run as (
       insert into recsys_engine.batch_runs (model_id, model_name, as_of, status) values ($1, 'tiny', now(), 'finished') returning run_id
     ),
     page as (insert into recsys_engine.batch_pages (run_id, page, user_ids) select run_id, 0, array[$2, $3]::uuid[] from run)
     insert into recsys.batch_recommendations (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources)
     select list.user_id, run_id, $1, now(), 'history', list.post_ids, '{1,1}', '{1,1}', '{1,1}', '{1,1}', '{fresh,fresh}'
     from run cross join (values ($2::uuid, array[$4, $5]::uuid[]), ($3, array[$6, $4])) as list (user_id, post_ids)`,
    [model, user, people.ben, post(4), post(5), own],
  );
  await pool.query("insert into recsys_engine.backdated_days values ($1, '2020-01-01') on conflict do nothing", [user]);
  await pool.query("insert into recsys_engine.edited_posts values ($1, now()) on conflict do nothing", [own]);
  await pool.query("insert into recsys_engine.feature_changes (user_id, post_id) values ($1, $2)", [user, own]);
  await pool.query("insert into recsys_engine.deferred_changes (user_id, post_id, at) values ($1, $2, now())", [
    user,
    own,
  ]);
  await pool.query(
    `insert into recsys_engine.failed_feature_changes (user_id, post_id, at, error_code, reason)
     values ($1, null, '-infinity', '22003', 'tested'), (null, $2, '-infinity', '22003', 'tested')`,
    [user, own],
  );
  // no model but one that finds more by them has neighbours
  await pool.query(
    `create table if not exists recsys_engine.post_neighbours_${model} partition of recsys_engine.post_neighbours for values in (${model})`,
  );
  await pool.query("insert into recsys_engine.post_neighbours values ($1, $2, $3, 1), ($1, $3, $2, 1)", [
    model,
    own,
    post(3),
  ]);
  await pool.query("insert into recsys.erasures (kind, entity_id) values ('user', $1), ('post', $2)", [user, own]);
  await assertEverywhere(pool, user, ["user_id"]);
  await assertEverywhere(pool, own, ["post_id"]);
  await pool.query("delete from recsys.erasures");
}

async function assertEverywhere(pool: pg.Pool, id: string, columns: string[]): Promise<void> {
  const found = await tablesWith(pool, id);
  const missing = (await tablesFor(pool, columns)).filter((table) => !found.includes(table));
  assert.deepEqual(missing, [], "a table for users or posts is not tested here: put a row into it in spread()");
}
