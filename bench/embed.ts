/**
 * How long a new post takes to be found by its text: `npm run bench -- embed`. A post is inserted at a random moment, and a
 * reader's feed is asked for over HTTP until it is there. The whole way is the real one: trigger, pg_cron every 10 seconds,
 * recsys.call_embed(), the function `embed` under Deno, `recommend` under Deno; only pg_net's worker is played by this process,
 * which looks every 50 ms. The posts are dated back behind 2,500 others, so that no source but `similar` can bring them.
 */
import { setTimeout } from "node:timers/promises";
import { createClient } from "@supabase/supabase-js";
import { connect } from "../db/connect.ts";
import { migrate } from "../db/migrate.ts";
import { testCluster, withoutCluster } from "../db/testing-cluster.ts";
import { fillVault, makePgNetAndVault, sendQueued } from "../db/testing-supabase.ts";
import { startGateway } from "../serve/gateway.ts";
import { people } from "../testing/community.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { Random } from "../trainer/engine/random.ts";
import { openFolder, openScope } from "./shared/place.ts";
import { load, Times } from "./shared/times.ts";

const runs = 20;

const reason = await withoutCluster();
if (reason) throw new Error(reason);
await using scope = openScope();
const { url } = await testCluster(scope);
const database = await connect(url, { embedded: false });
scope.after(() => database.close());
const { pool } = database;
await migrate(database);
await pool.query("insert into public.posts (title) select 'Post number ' || n from generate_series(1, 2500) as n");
await embeddedCommunity(database);
await makePgNetAndVault(pool);
const gateway = await startGateway({ databaseUrl: url, port: 0, folder: await openFolder(scope) });
scope.after(() => gateway.stop());
await fillVault(pool, gateway);
// as the migration schedules it where pg_net is
await pool.query("select cron.schedule('recsys embed', '10 seconds', 'select recsys.call_embed()')");
const sending = new AbortController();
const sender = (async () => {
  for (; !sending.signal.aborted; await setTimeout(50)) await sendQueued(pool);
})();
scope.after(async () => {
  sending.abort();
  await sender;
});

const supabase = createClient(gateway.url, "key", {
  accessToken: () => gateway.tokenOf(people.eve, { preview: true }),
});
const random = new Random(1);
const seconds: number[] = [];
for (let run = 0; run < runs; run++) {
  const before = load();
  await setTimeout(random.uniform() * 10_000);
  const words = Array.from({ length: 6 }, () => `word${random.below(100_000)}`).join(" ");
  await pool.query("update public.profiles set bio = $1 where id = $2", [words, people.eve]);
  const { rows } = await pool.query(
    "insert into public.posts (title, created_at) values ($1, now() - interval '1 year') returning id",
    [words],
  );
  const started = performance.now();
  for (let found = false; !found; await setTimeout(50)) {
    const { data, error } = await supabase.functions.invoke("recommend", { body: { limit: 20 } });
    if (error) throw error;
    const item = data.items.find((each: { post_id: string }) => each.post_id === rows[0].id);
    if (item && item.source !== "similar") throw new Error(`found by ${item.source}, not by its text`);
    found = item !== undefined;
  }
  seconds.push((performance.now() - started) / 1000);
  console.log(`${String(run + 1).padStart(2)}: found after ${seconds[run].toFixed(1)} s, ${before}`);
}
const all = new Times(seconds);
console.log(`${runs} posts: median ${all.at(0.5)} s, worst ${all.at(1)} s`);
