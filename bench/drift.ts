/**
 * What recsys.feature_skew and feature_drift say while nothing changes, and when the roll-up has stopped: `npm run bench -- drift
 * [--seed 1 --feeds 500 --users 1000 --posts 2500]`. A synthetic community; the model learns all but its last ten days, and people are shown feeds at the
 * instants at which they came. Needs a PostgreSQL.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type pg from "pg";
import { importBundle } from "../db/import/import-bundle.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { startBackend } from "../trainer/engine/backend.ts";
import { readModelFolder } from "../trainer/model-folder/model-folder.ts";
import { publish } from "../trainer/publish/publish.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";
import { trainIntoFolder } from "../trainer/train-into-folder.ts";
import { openFolder, openPostgres, openScope } from "./shared/place.ts";
import { load } from "./shared/times.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    feeds: { type: "string", default: "500" },
    users: { type: "string", default: "1000" },
    posts: { type: "string", default: "2500" },
  },
});
const seed = Number(values.seed);
await using scope = openScope();
const folder = await openFolder(scope);
const database = await openPostgres(scope, "drift");
const { pool } = database;
await writeSyntheticCommunity(join(folder, "community"), {
  seed,
  users: Number(values.users),
  posts: Number(values.posts),
});
await importBundle(database, join(folder, "community"));
await pool.query("delete from recsys.impressions; update recsys.settings set requests_per_minute = null");
const [{ shift }] = (await pool.query("select clock_shift::text as shift from recsys.settings")).rows;
const setClock = (ago: string) =>
  pool.query("update recsys.settings set clock_shift = $1::interval + $2::interval", [shift, ago]);
await setClock("10 days");
const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: console.log };
const model = await trainIntoFolder(context, { seed, backend: await startBackend(), parent: folder });
await publish(database, await readModelFolder(model), { activate: true });
await setClock("0");
const days = (
  await pool.query(
    "select ((recsys.clock() at time zone 'UTC')::date - n)::text as day from generate_series(9, 1, -1) as n",
  )
).rows.map(({ day }) => day);

const app = testApp(scope, database.url);
const showFeeds = async (day: string) => {
  const { rows: visits } = await pool.query(
    `select user_id, created_at from recsys.source_logins
       where (created_at at time zone 'UTC')::date = $1::date order by md5(login_id::text) limit $2`,
    [day, Number(values.feeds)],
  );
  for (const visit of visits) {
    // the feed is asked for five seconds after the login
    await pool.query("update recsys.settings set clock_shift = now() - $1::timestamptz - interval '5 seconds'", [
      visit.created_at,
    ]);
    const { status } = await app.call(visit.user_id, { limit: 20 });
    if (status !== 200) throw new Error(`a feed failed: ${JSON.stringify(app.logged)}`);
  }
  await app.settled();
};
console.log(`\n${load()}`);
for (const day of [days[0], days[7]]) await showFeeds(day);
const day = days[7];
await report(pool, "nothing has changed", day);
await stopRollUp(pool, new Date(`${day}T00:00:00Z`));
await pool.query("delete from recsys.impressions where shown_at >= $1::date", [day]);
await showFeeds(day);
await report(pool, "no roll-up since midnight", day);

/** The feature store as it was at an instant, as if nothing had been rolled up since. */
async function stopRollUp(pool: pg.Pool, at: Date): Promise<void> {
  for (const kind of ["post", "user"]) {
    const { rows } = await pool.query(
      `select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns as latest
       where table_schema = 'recsys' and table_name = $1 and column_name in (
         select column_name from information_schema.columns where table_schema = 'recsys' and table_name = $2)`,
      [`latest_${kind}_stats`, `${kind}_stats`],
    );
    const [{ columns }] = rows;
    await pool.query(`delete from recsys.${kind}_stats where last_active_at > $1`, [at]);
    await pool.query(`delete from recsys.latest_${kind}_stats`);
    await pool.query(
      `insert into recsys.latest_${kind}_stats (${columns})
       select distinct on (${kind}_id) ${columns} from recsys.${kind}_stats
       order by ${kind}_id, last_active_at desc, ${kind === "post" ? "interaction_id desc" : "sort_id desc, event_id desc"}`,
    );
  }
}

async function report(pool: pg.Pool, what: string, day: string): Promise<void> {
  for (const index of ["drift", "skew"]) {
    const { rows } = await pool.query(`select * from recsys.feature_${index}($1) order by psi desc`, [day]);
    const over = (bound: number) => rows.filter(({ psi }) => psi > bound).length;
    console.log(
      `\n${day}, ${what}: ${index} above 0.1 of ${over(0.1)} features, above 0.25 of ${over(0.25)} of ${rows.length}`,
    );
    for (const { feature, psi, people, independent } of rows.slice(0, 12))
      console.log(`  ${feature.padEnd(28)} ${psi.toFixed(3)} ${people ?? independent}`);
  }
}
