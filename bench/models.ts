/**
 * What a model costs the database: building the index with the memory PostgreSQL gives by itself and with what
 * recsys.complete_model takes, switching, and dropping. `npm run bench -- models [POSTS]`, default 100,000; needs a
 * PostgreSQL.
 */
import { publishVectors, unitVectors } from "../trainer/community/testing.ts";
import { Random } from "../trainer/engine/random.ts";
import { openPostgres, openScope } from "./shared/place.ts";
import { load, timed } from "./shared/times.ts";

const posts = Number(process.argv[2] ?? 100_000);
await using scope = openScope();
const database = await openPostgres(scope, "bench_models");
const { pool } = database;

function print(what: string, value: string): void {
  console.log(`${what.padEnd(64)} ${value.padStart(10)}   ${load()}`);
}

await pool.query("insert into public.posts (title) select 'Post number ' || n from generate_series(1, $1::int) as n", [
  posts,
]);
const ids = (await pool.query("select post_id from recsys.source_posts order by post_id")).rows.map(
  (row) => row.post_id,
);
const vectors = unitVectors(new Random(1), posts);
const models: number[] = [];
let whole = 0;
for (const name of ["first", "second"]) {
  [, whole] = await timed(async () => models.push(await publishVectors(database, ids, vectors, name)));
  await pool.query("select recsys.activate_model($1)", [models.at(-1)]);
}
print(`${posts} vectors written, indexed and attached`, `${whole.toFixed(1)} s`);
const table = `recsys.post_embeddings_${models[0]}`;
const needed = Math.min(Math.max(64, Math.floor(posts / 1000) + 1), 1024);
for (const memory of ["64MB", `${needed}MB`]) {
  const client = await pool.connect();
  const notices: string[] = [];
  client.on("notice", ({ message }) => notices.push(message ?? ""));
  await client.query(`set maintenance_work_mem = '${memory}'; set max_parallel_maintenance_workers = 0`);
  const [, build] = await timed(() =>
    client.query(`create index bench_idx on ${table} using hnsw (embedding extensions.vector_ip_ops)`),
  );
  print(`index with maintenance_work_mem ${memory}`, `${build.toFixed(1)} s`);
  for (const notice of notices) console.log(`  ${notice}`);
  await client.query("drop index recsys.bench_idx");
  client.release(true);
}
for (const changed of [0, posts / 4]) {
  await pool.query("truncate recsys.embedding_jobs, recsys.embedding_changes");
  // texts that changed since both were published, and have their vectors of the active one: the other gets them anew
  await pool.query(
    "insert into recsys.embedding_changes (kind, entity_id, changed_by) select 'post', id, pg_current_xact_id() from public.posts limit $1",
    [changed],
  );
  const [, back] = await timed(() => pool.query("select recsys.rollback_model()"));
  print(`rollback, ${changed} texts changed since the other was published`, `${(1000 * back).toFixed(0)} ms`);
  const [, on] = await timed(() => pool.query("select recsys.activate_model($1)", [models[1]]));
  print("activation", `${(1000 * on).toFixed(0)} ms`);
}
const [, drop] = await timed(() => pool.query("select recsys.drop_model($1)", [models[0]]));
print("drop of the retired one", `${(1000 * drop).toFixed(0)} ms`);
