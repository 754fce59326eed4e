/**
 * How many events a second the function `events` takes over HTTP in batches of 100: supabase-js in this process, the
 * function under Deno, the synthetic community in PostgreSQL, all on one machine. `npm run bench -- events`
 */
import { createClient } from "@supabase/supabase-js";
import { importBundle } from "../db/import/import-bundle.ts";
import { startGateway } from "../serve/gateway.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { load, ownProcessorTime, Times, timed } from "./shared/times.ts";
import { benchmarkBundle, openPostgres, openScope } from "./shared/workspace.ts";

/** Events of each type in a batch of 100. */
const mix = { seen: 25, view: 55, vote: 10, comment: 3, login: 2, dismiss: 5 };
const batches = 300;

await using scope = openScope();
const folder = await benchmarkBundle(scope);
const database = await openPostgres(scope, "bench");
await importBundle(database, folder);
const { pool, url } = database;
const random = new Random(1);
const users: string[] = (await pool.query("select user_id from recsys.source_users")).rows.map((row) => row.user_id);
const posts: string[] = (await pool.query("select post_id from recsys.source_posts")).rows.map((row) => row.post_id);
const of = <Item>(items: Item[]) => items[random.below(items.length)];
/** The user's feed of 100 posts, so that there is something to be seen. */
const shown = async (user: string, request_id: string) => {
  const { rows } = await pool.query<{ post_id: string }>(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
       select $1, $2, post_id, row_number() over (), now() from (select post_id from recsys.source_posts order by random() limit 100) as posts
       returning post_id`,
    [request_id, user],
  );
  return rows.map((row) => row.post_id);
};

const gateway = await startGateway({ databaseUrl: url, port: 0, folder });
scope.after(() => gateway.stop());
for (const inFlight of [1, 4, 16]) {
  const queue = [];
  for (let i = 0; i < batches + 20; i++) {
    const user = of(users);
    const request_id = crypto.randomUUID();
    const feed = await shown(user, request_id);
    const fields = {
      seen: () => ({ post_id: of(feed), request_id }),
      view: () => ({ post_id: of(posts), value: 30 }),
      vote: () => ({ post_id: of(posts), value: of([1, 1, 1, -1, 0]) }),
      comment: () => ({
        post_id: of(posts),
        body: "A comment of a sentence or two, as people write them. ".repeat(3),
      }),
      login: () => ({}),
      dismiss: () => ({ post_id: of(posts) }),
    };
    const events = Object.entries(mix).flatMap(([type, count]) =>
      Array.from({ length: count }, () => ({
        id: crypto.randomUUID(),
        type,
        ...fields[type as keyof typeof mix](),
        occurred_at: new Date().toISOString(),
      })),
    );
    const supabase = createClient(gateway.url, "key", { accessToken: () => gateway.tokenOf(user) });
    queue.push(async () => {
      const started = performance.now();
      const { data, error } = await supabase.functions.invoke("events", { body: { events } });
      if (error) throw error;
      for (const event of data.events) if (event.status !== "stored") throw new Error(JSON.stringify(event));
      return performance.now() - started;
    });
  }
  for (const send of queue.splice(0, 20)) await send();
  await report(inFlight, queue);
}

async function report(inFlight: number, queue: (() => Promise<number>)[]): Promise<void> {
  const before = load();
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const client = async () => {
    for (let send = queue.pop(); send; send = queue.pop()) times.push(await send());
  };
  const [, seconds] = await timed(() => Promise.all(Array.from({ length: inFlight }, client)));
  const all = new Times(times);
  console.log(
    `${String(inFlight).padStart(2)} in parallel: ${Math.round((times.length * 100) / seconds)} events/s; a batch of 100 takes ${all.at(0.5)} ms (95 %: ${all.at(0.95)} ms); ` +
      `client ${(ownProcessorTime(cpu) / seconds).toFixed(2)} cores; ${before} before`,
  );
}
