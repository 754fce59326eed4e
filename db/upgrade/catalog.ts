import { readFile } from "node:fs/promises";
import type pg from "pg";
import type { Database } from "../connect.ts";

type Client = Pick<pg.ClientBase, "query">;

/** What the two schemas have: each object, comment, right and row that the migrations give, as statements name it, with its definition. */
export type SchemaCatalog = Map<string, string>;

const objects = await readFile(new URL("./catalog.sql", import.meta.url), "utf8");

/** Tables whose rows come with the migrations. */
const seeded = { "recsys.kinds": "kind", "recsys.health_bounds": "figure", "recsys_engine.planned_schedules": "name" };

/** Reads it in the order in which objects were made. Names have their schema. */
export async function readCatalog(client: Client): Promise<SchemaCatalog> {
  const { rows: session } = await client.query<{ search_path: string }>("show search_path");
  const setPath = (path: string) => client.query("select set_config('search_path', $1, false)", [path]);
  await setPath("");
  const catalog: SchemaCatalog = new Map();
  const { rows } = await client.query<{ object: string; definition: string }>(objects);
  for (const { object, definition } of rows) catalog.set(object, definition);
  for (const [table, key] of Object.entries(seeded)) {
    if (!catalog.has(`table ${table}`)) continue;
    const { rows } = await client.query(`select ${key} as key, to_jsonb(each)::text as row from ${table} as each`);
    for (const { key, row } of rows) catalog.set(`row of ${table}: ${key}`, row);
  }
  await setPath(session[0].search_path);
  return catalog;
}

export async function catalogOf({ pool }: Pick<Database, "pool">): Promise<SchemaCatalog> {
  const client = await pool.connect();
  try {
    return await readCatalog(client);
  } finally {
    client.release();
  }
}

/** What has to happen to `from` for it to be `to`, an object each: `+` is missing, `-` is too much, `~` is another. */
export function differences(from: SchemaCatalog, to: SchemaCatalog): string[] {
  const wanted = [...to.keys()].filter((object) => from.get(object) !== to.get(object));
  return [
    ...[...from.keys()].filter((object) => !to.has(object)).map((object) => `- ${object}`),
    ...wanted.map((object) => `${from.has(object) ? "~" : "+"} ${object}`),
  ];
}
