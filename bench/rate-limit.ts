/**
 * What counting a request costs: the transaction of a request whose only statement is `select 1`, with the limit, without it, and the
 * statement alone. All three by turns on the connections of a worker, as the functions do it. `npm run bench -- rate-limit`
 */
import { readAs } from "../supabase/functions/_shared/database/caller.ts";
import { openPool, poolSize } from "../supabase/functions/_shared/database/pool.ts";
import { openPostgres, openScope } from "./shared/place.ts";
import { load, Times } from "./shared/times.ts";

const people = 10_000;
const rounds = 3_000;

await using scope = openScope();
const { pool: owner, url } = await openPostgres(scope, "bench_rate_limit");
const pool = openPool(url, console.error);
scope.after(() => pool.end());
await owner.query("update recsys.settings set requests_per_minute = 100000");
const users: string[] = (
  await owner.query("select gen_random_uuid() as id from generate_series(1, $1)", [people])
).rows.map((row) => row.id);
await owner.query("insert into recsys.rate_limits select unnest($1::uuid[]), now()", [users]);
const nothing = { text: "select 1", values: [] };
const request = (sub: string, preview: boolean) =>
  readAs(pool, { role: "authenticated", sub, preview }, nothing, async (_, rows) => rows);
const alone = async (sub: string) => {
  const connection = await pool.connect();
  await connection.query("select recsys.take_request($1::uuid) as seconds", [sub]);
  connection.release();
};
const ways: [string, (sub: string) => Promise<unknown>][] = [
  ["without", (sub) => request(sub, true)],
  ["with the limit", (sub) => request(sub, false)],
  ["the statement alone", alone],
];
for (const atOnce of [1, poolSize]) {
  const before = load();
  const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  for (let n = 0; n < rounds; n++)
    for (const [name, way] of ways) {
      const started = performance.now();
      await Promise.all(Array.from({ length: atOnce }, (_, i) => way(users[(n * atOnce + i) % people])));
      // the first rounds connect and plan
      if (n >= 100) times.get(name)?.push(performance.now() - started);
    }
  for (const [name, taken] of times) {
    const all = new Times(taken);
    console.log(`${atOnce} at once, ${name}: ${all.at(0.5, 2)} ms (95 %: ${all.at(0.95, 2)} ms); ${before} before`);
  }
}
const { rows } = await owner.query(
  `select pg_size_pretty(pg_total_relation_size('recsys.rate_limits')) as size, n_tup_upd, n_tup_hot_upd
     from pg_stat_user_tables where relid = 'recsys.rate_limits'::regclass`,
);
console.log(
  `table of ${people} people: ${rows[0].size}; of ${rows[0].n_tup_upd} updates ${rows[0].n_tup_hot_upd} within their page`,
);
