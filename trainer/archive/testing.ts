/** For tests: impressions with every kind of value that a column may hold, and a log that is old enough to be archived. */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import type { Scope } from "../../db/testing.ts";
import { writeSyntheticCommunity } from "../data/synthetic/write-synthetic-community.ts";
import { temporaryFolder } from "../testing.ts";
import type { ArchiveContext } from "./archive-days.ts";
import { dayAfter } from "./archived-days.ts";

/** Logs some impressions of the first of January 2026. */
export async function odd(pool: Pick<pg.Pool, "query">, number: number): Promise<void> {
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score, source, model_id, variant, features, explored, propensity,
       view_probability, vote_probability, comment_probability, optional_probabilities, degraded, seen_at, team, promotion_id, mode)
     select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1 + i % 300, timestamptz '2026-01-01 00:00Z' + i * interval '86.4 s' + i % 7 * interval '1 microsecond',
       (array[0.5, 'NaN', 'Infinity', '-Infinity', 1e-45, -0.0, 3.4028235e38, null, 0.1]::real[])[1 + i % 9],
       (array['similar', '', 'ünïcödé 𝒳', null])[1 + i % 4], case when i % 3 > 0 then 9007199254740993 * (i % 2) end, (array[null, 'a/b,c/d'])[1 + i % 2],
       (array['{0.5,0.1,NaN}', '{}', null, '{1,null,-0.0}'])[1 + i % 4]::real[], i % 2 = 0, case when i % 3 = 0 then 0.3 end, random(), null, 1e-38,
       (array['{"dismiss": 0.02, "long_view": 12345678901234567890.123}', null, '{"é": [1, null]}'])[1 + i % 3]::jsonb, (array[null, 'batch'])[1 + i % 2],
       (array[null, '2026-01-01 10:00:00.123456Z', 'infinity', '-infinity', '294276-12-31 23:59:59.999999Z', '4713-01-01 00:00:00Z BC', '1969-12-31 23:59:59.999999Z'])[1 + i % 7]::timestamptz,
       (array[1, 2, null])[1 + i % 3], case when i % 10 = 0 then i end, (array['live', 'batch', 'candidates'])[1 + i % 3]
     from generate_series(0, $1::integer - 1) as i`,
    [number],
  );
}

/** A community with a log of days, all of them long enough ago to be archived, and with what a log may hold: posts seen, promoted, and of an experiment that ended. */
export async function fillOldLog(scope: Scope, database: Database): Promise<void> {
  const { pool } = database;
  await pool.query("update recsys.settings set impression_partition_interval = 'day'");
  await pool.query("select recsys_engine.make_impression_partitions()");
  const folder = await temporaryFolder(scope);
  await writeSyntheticCommunity(folder, { seed: 5, users: 120, posts: 300, days: 30, dismisses: true });
  await importBundle(database, folder);
  await pool.query("update recsys.settings set clock_shift = clock_shift - interval '40 days'");
  await pool.query(
    `update recsys.impressions set
       seen_at = case when position <= 5 and abs(hashtext(request_id::text)) % 3 = 0 then shown_at + interval '1.000001 s' end,
       promotion_id = case when abs(hashtext(post_id::text)) % 11 = 0 then 1 end,
       variant = case when hashtext(user_id::text) % 2 = 0 then 'e/control' else 'e/b' end,
       features = array[position, 0.1, random()]::real[]`,
  );
  await pool.query("select recsys_engine.make_impression_partitions()");
  await pool.query("select recsys.roll_up(null)");
}

/** What the archive's work is given. */
export function archiveContext(database: Database, print: (line: string) => void = () => {}): ArchiveContext {
  return { database, print, onProgress: () => {}, signal: new AbortController().signal };
}

/** The day that was some days ago. */
export function daysAgo(days: number): string {
  return dayAfter(new Date().toISOString().slice(0, 10), -days);
}

/** Logs pages of four posts that a user was shown on a day; it has a partition of its own then. */
export async function logDay(
  pool: Pick<pg.Pool, "query">,
  day: string,
  pages: number,
  user: string,
  posts: string[],
): Promise<void> {
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, features)
     select shown.request, $1, ($2::uuid[])[place], place, $3::timestamptz + shown.page * interval '1 second', array[random(), place]::real[]
     from (select gen_random_uuid() as request, page from generate_series(1, $4::integer) as page) as shown cross join generate_series(1, 4) as place`,
    [user, posts, `${day}T10:00:00Z`, pages],
  );
  await pool.query("select recsys_engine.make_impression_partitions()");
}
