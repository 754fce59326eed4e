import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { UserError } from "../db/user-error.ts";
import { fillCommunity, people, publishTinyModel, uuid } from "../testing/community.ts";
import { spread } from "../testing/traces.ts";

/** Fills a migrated database so that each table of both schemas has a row, and a model serves: what an upgrade must not lose. */
export async function fillEverything(pool: pg.Pool): Promise<void> {
  await fillCommunity(pool);
  const model = await publishTinyModel(pool, { name: "tiny" });
  const next = await publishTinyModel(pool, { name: "next" });
  await pool.query("select recsys.activate_model($1)", [model]);
  await spread(pool, people.eve, uuid("d", 1), model);
  await pool.query("select recsys.start_experiment('weights', $1)", [
    JSON.stringify([
      { name: "control", share: 0.5 },
      { name: "comments", share: 0.5, settings: { comment_weight: 2 } },
    ]),
  ]);
  await pool.query("select recsys.start_shadow('next', 0.1), recsys.request_training()");
  const statements: [sql: string, values: unknown[]][] = [
    [
      "insert into recsys.daily_metrics (day, metric, model_id, slice, value, count) values (current_date - 1, 'kept', $1, '', 1, 1)",
      [model],
    ],
    ["insert into recsys.erasures (kind, entity_id) values ('post', $1)", [uuid("e", 1)]],
    [
      `insert into recsys_engine.archived_days (day, part, location, path, row_count, promoted_count, checksum, bytes, sha256)
       values (current_date - 40, 1, '/kept', 'day=kept/impressions-1.parquet', 1, 0, 1, 1, repeat('0', 64))`,
      [],
    ],
    ["insert into recsys_engine.imports (bundle_digest, imported_at) values ('kept', now())", []],
    [
      "insert into recsys_engine.topic_runs (model_id, posts, topics, kept, took, finished_at) values ($1, 30, 1, 0, '1 s', now())",
      [model],
    ],
    [
      `insert into recsys_engine.topics (model_id, label, terms, is_public, centroid, size, demand, supply, people, created_at, updated_at)
       values ($1, 'chess', '{chess}', true, extensions.l2_normalize(array_fill(0.1::real, array[32])::extensions.vector), 15, 1, 1, 1, now(), now())`,
      [model],
    ],
    [
      "insert into recsys_engine.training_features (model_id, number, feature, edges, shares) values ($1, 1, 'age', '{1}', '{0.5,0.5}')",
      [next],
    ],
  ];
  for (const [sql, values] of statements) await pool.query(sql, values);
  const [empty] = Object.entries(await countsOf({ pool })).find(([, count]) => count === "0") ?? [];
  if (empty !== undefined)
    throw new UserError(
      `${empty} has no row, so no test would see an upgrade lose one: give it one in release/rows-everywhere.ts`,
    );
}

/** Of each table of both schemas how many rows it has. */
export async function countsOf({ pool }: Pick<Database, "pool">): Promise<Record<string, string>> {
  const { rows } = await pool.query(
    `select oid::regclass::text as name from pg_class where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
       and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  const counts: Record<string, string> = {};
  for (const { name } of rows) counts[name] = (await pool.query(`select count(*) from ${name}`)).rows[0].count;
  return counts;
}
