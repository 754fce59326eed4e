import { sql } from "kysely";
import type { ClientBase } from "pg";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { db, milliseconds } from "../../supabase/functions/_shared/database/query.ts";
import type { OnProgress } from "../progress.ts";
import { analyzeStates, rollingUp, rollUpWhole } from "../roll-up-whole.ts";

/** Updates planner statistics of the app's tables and the feature store: autovacuum cannot see uncommitted rows. */
const analyzeApp = `analyze public.profiles, public.projects, public.posts, public.post_views, public.post_votes, public.comments,
  public.logins, recsys.impressions`;

/**
 * Brings the engine up to an import: planner statistics, feature store, clock, months of impressions. Resolves to the clock's lag in milliseconds.
 * The clock is left alone when nothing was added, so that a second import changes nothing.
 */
export async function prepareEngine(
  client: ClientBase,
  added: boolean,
  { onProgress, signal }: { onProgress: OnProgress; signal?: AbortSignal },
): Promise<number> {
  // the roll-up is planned on these statistics
  if (added) await client.query(analyzeApp);
  signal?.throwIfAborted();
  onProgress({ step: rollingUp, done: 0, total: 1 });
  await run(client, call("recsys.roll_up", { p_most: null }));
  onProgress({ step: rollingUp, done: 1, total: 1 });
  signal?.throwIfAborted();
  if (added) {
    await client.query(analyzeStates);
    await setClock(client);
  }
  const shift = db.selectFrom("recsys.settings").select(({ ref }) => milliseconds(ref("clock_shift")).as("lag"));
  const [{ lag }] = await run(client, shift);
  return lag;
}

/** Number of posts that are rolled up before the first feed: those with the latest interactions. */
const firstPosts = 500;

/** Prepares the first feeds of a community without a model: sets the clock and counts popular posts. */
export async function prepareFirstFeeds(client: ClientBase): Promise<void> {
  await client.query(analyzeApp);
  await setClock(client);
  await run(client, call("recsys_engine.gather_changes", {}));
  await run(client, call("recsys_engine.roll_up_anew", { p_posts: firstPosts }));
  await client.query(analyzeStates);
}

/** Rolls up all there is, a statement of a second at a time, so that feeds are answered meanwhile. */
export async function prepareFeatureStore(
  client: ClientBase,
  options: { onProgress: OnProgress; signal?: AbortSignal },
): Promise<void> {
  await client.query(analyzeApp);
  // a login may be later than all that was there before
  await setClock(client, { onlyOn: true });
  await rollUpWhole(client, options);
}

/** Has the clock go on from the newest event of an archived community, and the log of impressions have its months. `onlyOn`: where it is not back by that. */
async function setClock(client: ClientBase, { onlyOn = false } = {}): Promise<void> {
  const later = shiftClock.where(sql<boolean>`newest.at > recsys.clock()`);
  await run(client, onlyOn ? later : shiftClock);
  await client.query(stampWithClock);
  // months are those of that clock
  await run(client, call("recsys_engine.make_impression_partitions", {}));
}

/** An archived community is one whose newest event is over a week old: its clock is set back, so that this event is now. */
const newestOf = (table: "recsys.source_interactions" | "recsys.source_logins" | "recsys.source_posts") =>
  db.selectFrom(table).select(({ fn }) => fn.max("created_at").as("at"));
const shiftClock = db
  .with("newest", () =>
    db
      .selectFrom(
        newestOf("recsys.source_interactions")
          .unionAll(newestOf("recsys.source_logins"))
          .unionAll(newestOf("recsys.source_posts"))
          .as("events"),
      )
      .select(({ fn }) => fn.max("at").as("at")),
  )
  .updateTable("recsys.settings")
  .from("newest")
  .set(({ ref }) => ({
    clock_shift: sql<string>`case when ${ref("newest.at")} < now() - interval '7 days' then now() - ${ref("newest.at")} else '0' end`,
  }));

/** In an archived community "now" is long ago: what people do in it from here on must happen then too, or it never counts. */
const stampWithClock = `
  do $$
  declare
    app_table text;
  begin
    if (select clock_shift <> '0' from recsys.settings) then
      foreach app_table in array '{profiles,projects,posts,post_views,post_votes,comments,logins}'::text[] loop
        execute format('alter table public.%I alter column created_at set default recsys.clock()', app_table);
      end loop;
    end if;
  end
  $$`;
