/**
 * Measures roll-ups by size, with all states and thinned: `npm run bench -- roll-up [INTERACTIONS …]`, by default 100,000 and 1
 * million. Prints medians of 5: processor time and pages of 8 kB. Needs a PostgreSQL (TEST_DATABASE_URL may name another).
 */
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { person, post, stateTables, withoutLog, writeCommunity } from "./shared/generated-community.ts";
import { load, processorTime, Times } from "./shared/times.ts";
import { openPostgres, openScope } from "./shared/workspace.ts";

const runs = 5;
const days = 180;
const appTables = ["public.post_views", "public.post_votes", "public.comments", "public.logins"];
/** What a roll-up looks up of a new event, in rows that are anywhere in their table. */
const lookedUp = {
  "recsys_engine.post_stats": "post_id = some_post and last_active_at >= now()",
  "recsys_engine.user_stats": "user_id = some_user and last_active_at >= now()",
  "public.post_views": "user_id = some_user and post_id = some_post",
  "public.post_votes": "user_id = some_user and post_id = some_post",
  "public.comments": "user_id = some_user and post_id = some_post",
  "public.posts": "id = some_post",
  "recsys_engine.latest_post_stats": "post_id = some_post",
  "recsys_engine.latest_user_stats": "user_id = some_user",
};

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [100_000, 1_000_000]) {
  await using scope = openScope();
  await measure(await openPostgres(scope, "roll_up"), size);
}

async function measure({ pool }: Database, size: number): Promise<void> {
  const people = size / 50;
  const posts = size / 40;
  const somebody = person(`floor(random() * ${people})`);
  const something = post(`floor(random() ^ 3 * ${posts})`);
  const client = await pool.connect();
  const started = performance.now();
  await writeCommunity(client, { people, posts, interactions: size, logins: size / 4, days });
  await client.query("analyze");
  console.log(
    `\n${size} interactions, made up in ${seconds(started)} s, ${await sizeOf(pool, appTables)}, shared buffers ${(await pool.query("show shared_buffers")).rows[0].shared_buffers}, ${load()}`,
  );
  const first = await withoutLog(client, stateTables, () => rollUp(client));
  client.release(true);
  console.log(
    `first roll-up | ${first.milliseconds.toFixed(0)} ms | processor ${first.processor} ms | ${first.rows} rows, ${await sizeOf(pool, stateTables)}`,
  );

  const events = (count: number, at: string, user = somebody) =>
    ["post_views", "post_votes", "comments"].map(
      (table, i) => `insert into public.${table} (user_id, post_id, created_at)
        select ${user}, ${something}, ${at} from generate_series(1, ${count * [0.8, 0.1, 0.1][i]}) on conflict do nothing`,
    );
  const scenarios: Record<string, (run: number) => string[]> = {
    "nothing new": () => [],
    "500 new events": () => events(500, "clock_timestamp()"),
    "500 events, each up to a day late": () => events(500, "now() - random() * interval '1 day'"),
    "100 backdated events of one person": (run) =>
      events(100, `now() - random() * interval '${days} days'`, person(`${run}`)),
    "50 votes taken back": () => [
      "delete from public.post_votes where id in (select id from public.post_votes order by created_at desc limit 50)",
    ],
  };
  await measureScenarios("all states");
  await measureAttacks();
  for (let thinned = 1; thinned > 0; )
    thinned = Number((await pool.query("select recsys_engine.prune_feature_store() as thinned")).rows[0].thinned);
  // states thinned every night never took more room than that
  await pool.query(`vacuum full ${stateTables.join(", ")}`);
  console.log(`thinned | ${await sizeOf(pool, stateTables)}`);
  await measureScenarios("thinned");

  async function measureScenarios(states: string): Promise<void> {
    await pool.query("vacuum analyze");
    for (const [table, condition] of Object.entries(lookedUp))
      await pool.query(
        `select count(found) from (select ${somebody} as some_user, ${something} as some_post from generate_series(1, 100000)) as of_random
         cross join lateral (select true as found from ${table} where ${condition} limit 1) as found`,
      );
    await pool.query("checkpoint");
    for (const [name, statements] of Object.entries(scenarios))
      await measureScenario(`${states} | ${name}`, statements);
  }

  /** What 50 requests of 500 events may bring, worked off as pg_cron does: how long the longest of the roll-ups takes. */
  async function measureAttacks(): Promise<void> {
    const view = (user: string, what: string, at: string) =>
      `insert into public.post_views (user_id, post_id, created_at) select ${user}, ${what}, ${at} - n * interval '0.01 second' from generate_series(1, 25000) as n`;
    const attacks = {
      "one person views the first posts 28 days back": view(person("0"), post("n % 20"), "now() - interval '28 days'"),
      "one person views 25,000 posts 28 days back": view(
        person("1"),
        post(`n % ${posts}`),
        "now() - interval '28 days'",
      ),
      "one person views 25,000 posts now": view(person("2"), post(`n % ${posts}`), "now()"),
      "500 people view the first posts 28 days back": view(
        person("n % 500"),
        post("n / 500"),
        "now() - interval '28 days'",
      ),
      "500 people view the first posts now": view(person("n % 500"), post("n / 500"), "now()"),
    };
    for (const [name, statement] of Object.entries(attacks)) {
      await pool.query(statement);
      const calls: RollUp[] = [];
      const session = await pool.connect();
      do calls.push(await rollUp(session, "recsys.roll_up()"));
      while ((await pool.query("select from recsys_engine.feature_changes limit 1")).rowCount || calls.at(-1)?.rows);
      session.release();
      const longest = (what: keyof RollUp) => Math.max(...calls.map((each) => each[what])).toFixed(0);
      console.log(
        `50 requests: ${name} | ${calls.length} roll-ups, the longest ${longest("milliseconds")} ms | processor ${longest("processor")} ms | ${longest("rows")} rows | ${load()}`,
      );
    }
    const { rows } = await pool.query("select count(*) from recsys_engine.deferred_changes");
    console.log(`left for the night: ${rows[0].count} late changes`);
  }

  async function measureScenario(name: string, statements: (run: number) => string[]): Promise<void> {
    const measured: RollUp[] = [];
    for (let run = 0; run < runs; run++) {
      for (const statement of statements(run)) await pool.query(statement);
      const session = await pool.connect();
      measured.push(await rollUp(session));
      session.release();
    }
    const middle = (what: keyof RollUp) => new Times(measured.map((each) => each[what])).median;
    const figures = [
      `${middle("milliseconds").toFixed(1)} ms`,
      `processor ${middle("processor")} ms`,
      `${middle("rows")} rows`,
      `${middle("found")} pages found, ${middle("read")} read`,
    ];
    console.log([name, ...figures, load()].join(" | "));
  }
}

interface RollUp {
  milliseconds: number;
  processor: number;
  rows: number;
  /** Pages in the shared buffers already, and read into them. */
  found: number;
  read: number;
}

async function rollUp(client: pg.ClientBase, call = "recsys.roll_up(null)"): Promise<RollUp> {
  const { rows: sessions } = await client.query("select pg_backend_pid() as process");
  const before = processorTime(sessions[0].process);
  const started = performance.now();
  const { rows } = await client.query(
    `explain (analyze, buffers, format json) create temporary table roll_up as select ${call} as written`,
  );
  const milliseconds = performance.now() - started;
  const processor = processorTime(sessions[0].process) - before;
  const { Plan: plan } = rows[0]["QUERY PLAN"][0];
  const written = await client.query("select written::integer from roll_up");
  await client.query("drop table roll_up");
  return {
    milliseconds,
    processor,
    rows: written.rows[0].written,
    found: plan["Shared Hit Blocks"],
    read: plan["Shared Read Blocks"],
  };
}

async function sizeOf(pool: Database["pool"], tables: string[]): Promise<string> {
  const { rows } = await pool.query(
    "select (sum(pg_total_relation_size(name::regclass)) / 1e6)::integer as size from unnest($1::text[]) as name",
    [tables],
  );
  return `${rows[0].size} MB`;
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}
