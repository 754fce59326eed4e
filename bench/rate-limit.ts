/**
 * What counting a request costs: the transaction of a request whose only statement is `select 1`, with the limit, without it, and the
 * statement alone. All three by turns on the connections of a worker, as the functions do it. `npm run bench -- rate-limit`
 */
import { loadavg } from "node:os";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { readAs } from "../supabase/functions/_shared/database/caller.ts";
import { openPool, poolSize } from "../supabase/functions/_shared/database/pool.ts";

const people = 10_000;
const rounds = 3_000;

const server = await testServer();
if (!server) throw new Error("needs a PostgreSQL: npm run setup:postgres");
const { pool: owner, url, close } = await openPostgresCopy(server, "bench_rate_limit");
const pool = openPool(url, console.error);
try {
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
    const [load] = loadavg();
    const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
    for (let n = 0; n < rounds; n++)
      for (const [name, way] of ways) {
        const started = performance.now();
        await Promise.all(Array.from({ length: atOnce }, (_, i) => way(users[(n * atOnce + i) % people])));
        // the first rounds connect and plan
        if (n >= 100) times.get(name)?.push(performance.now() - started);
      }
    for (const [name, all] of times) {
      all.sort((a, b) => a - b);
      const at = (share: number) => all[Math.floor(all.length * share)].toFixed(2);
      console.log(`${atOnce} at once, ${name}: ${at(0.5)} ms (95 %: ${at(0.95)} ms); load before ${load.toFixed(1)}`);
    }
  }
  const { rows } = await owner.query(
    `select pg_size_pretty(pg_total_relation_size('recsys.rate_limits')) as size, n_tup_upd, n_tup_hot_upd
     from pg_stat_user_tables where relid = 'recsys.rate_limits'::regclass`,
  );
  console.log(
    `table of ${people} people: ${rows[0].size}; of ${rows[0].n_tup_upd} updates ${rows[0].n_tup_hot_upd} within their page`,
  );
} finally {
  await pool.end();
  await close();
}
