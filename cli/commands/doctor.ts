/** `recsys doctor`: whether what this installation is made of is there and fits together, a line each with the cure. */
import { sql } from "kysely";
import { type Database, openDatabase } from "../../db/connect.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { db, milliseconds } from "../../supabase/functions/_shared/database/query.ts";
import { featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { schemaVersion, versionHeader } from "../../supabase/functions/_shared/http/schema-version.ts";
import { type DatabaseOption, inDatabase, versionOfSchema } from "./with-database.ts";

export interface DoctorOptions extends DatabaseOption {
  /** Where the functions are: https://PROJECT.supabase.co. */
  functions?: string;
}

interface Line {
  what: string;
  said: string;
  /** Left out: all is well. */
  cure?: string;
  /** Whether nothing works until it is mended. */
  stops?: boolean;
}

/** Prints a line for each thing, and what to do about those that are not well; the exit code is 1 where something stops. */
export async function doctorCommand(options: DoctorOptions): Promise<void> {
  const lines = [nodeLine()];
  const look = async (database: Database) => {
    lines.push(...(await databaseLines(database)));
    if (options.functions !== undefined) lines.push(await functionsLine(options.functions));
  };
  if (options.database === undefined) await inDatabase(options, {}, ({ database }) => look(database));
  else await withDatabase(options.database, look);
  const width = Math.max(...lines.map(({ what }) => what.length));
  for (const { what, said, cure, stops } of lines)
    console.log(
      `${cure ? (stops ? "PROBLEM" : "warning") : "ok     "}  ${what.padEnd(width)}  ${said}${cure ? `. What to do: ${cure}` : ""}`,
    );
  if (options.functions === undefined)
    console.log("The functions were not asked: --functions https://PROJECT.supabase.co asks them.");
  if (lines.some(({ stops }) => stops)) process.exitCode = 1;
}

/** As it is, without any schema. */
async function withDatabase(url: string, look: (database: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase({ url });
  try {
    await look(database);
  } finally {
    await database.close();
  }
}

function nodeLine(): Line {
  const said = `Node ${process.versions.node}, recsys ${schemaVersion}`;
  return Number.parseInt(process.versions.node, 10) >= 20
    ? { what: "node", said }
    : { what: "node", said, cure: "install Node 20 or later", stops: true };
}

const extensions = { vector: [0, 8], pg_cron: [1, 6], pg_net: [0, 7] } as const;

async function databaseLines({ pool }: Database): Promise<Line[]> {
  const lines: Line[] = [];
  const asked = performance.now();
  const [facts] = await run(
    pool,
    db.selectNoFrom([
      sql<string>`current_setting('server_version')`.as("postgres"),
      sql<number>`current_setting('server_version_num')::integer`.as("number"),
      milliseconds(sql<Date>`clock_timestamp()`).as("now"),
      sql<boolean>`to_regnamespace('recsys') is not null`.as("is_installed"),
      sql<Record<string, string>>`(select coalesce(json_object_agg(extname, extversion), '{}') from pg_extension)`.as(
        "installed",
      ),
      sql<
        Record<string, string>
      >`(select coalesce(json_object_agg(name, default_version), '{}') from pg_available_extensions)`.as("available"),
    ]),
  );
  const roundTrip = performance.now() - asked;
  lines.push({
    what: "postgres",
    said: `PostgreSQL ${facts.postgres}`,
    ...(facts.number < 170000 && { cure: "it is tested with PostgreSQL 17: upgrade the project" }),
  });
  for (const [name, least] of Object.entries(extensions)) lines.push(extensionLine(name, least, facts));
  const off = Math.abs(Date.now() - roundTrip / 2 - facts.now) / 1000;
  lines.push({
    what: "clock",
    said: off < 1 ? "the database's is the one here" : `the database's is ${off.toFixed(0)} seconds off the one here`,
    ...(off >= 60 && { cure: "set the one that is wrong by NTP: leases and the days of figures go by the database's" }),
  });
  if (!facts.is_installed) {
    lines.push({
      what: "schema",
      said: "there is no schema recsys",
      cure: "npx --no-install recsys init --into APP, then npx supabase db push there",
      stops: true,
    });
    return lines;
  }
  const schema = await schemaLine(pool);
  lines.push(schema);
  // whatever else is asked for may have another name there
  if (schema.cure) return lines;
  lines.push(await modelLine(pool));
  lines.push(...(await accessLines(pool)), ...(await scheduleLines(pool, facts.installed)));
  return lines;
}

function extensionLine(
  name: string,
  [major, minor]: readonly [number, number],
  { installed, available }: Record<"installed" | "available", Record<string, string>>,
): Line {
  const has = installed[name];
  const isNeeded = name === "vector";
  if (has === undefined) {
    const without = {
      vector: "vectors have no type and no index",
      pg_cron: "nothing runs by itself: npx --no-install recsys worker --batch --train does it in its place",
      pg_net: "new posts wait for npx --no-install recsys worker to be embedded",
    }[name];
    const create = isNeeded
      ? "create schema if not exists extensions; create extension vector with schema extensions"
      : `create extension ${name}`;
    const cure = available[name] ? create : `install ${name} for this PostgreSQL`;
    return { what: name, said: `is not installed, so ${without}`, cure, stops: isNeeded };
  }
  const [hasMajor, hasMinor] = has.split(".").map(Number);
  const isOld = hasMajor < major || (hasMajor === major && (hasMinor ?? 0) < minor);
  const later = available[name];
  return {
    what: name,
    said: has,
    ...(isOld && {
      cure: `${later && later !== has ? `alter extension ${name} update` : `install ${name} ${major}.${minor} or later`}`,
      stops: isNeeded,
    }),
  };
}

async function schemaLine(pool: Database["pool"]): Promise<Line> {
  const found = await versionOfSchema({ pool });
  const cure =
    "npx --no-install recsys init --into APP, then npx supabase db push there; or use the recsys of the schema's version";
  return { what: "schema", said: `recsys ${found}`, ...(found !== schemaVersion && { cure, stops: true }) };
}

async function modelLine(pool: Database["pool"]): Promise<Line> {
  const query = db.selectFrom("recsys.models").select(["name", "feature_spec_digest"]).where("status", "=", "active");
  const [model] = await run(pool, query);
  const cure = "npx --no-install recsys train, then npx --no-install recsys publish";
  if (!model) return { what: "model", said: "none serves, so feeds have what is fresh and popular", cure };
  if (model.feature_spec_digest === (await featureSpecDigest())) {
    const without = db.selectFrom("recsys_engine.models_without_basis").select("encoder");
    const [missing] = await run(pool, without.where("name", "=", model.name));
    const said = `${model.name} serves${missing ? `, without the vectors by ${missing.encoder} that it reads: their basis is missing` : ""}`;
    return {
      what: "model",
      said,
      ...(missing && { cure: `bring back the rows of recsys_engine.vector_bases; or ${cure}` }),
    };
  }
  return {
    what: "model",
    said: `${model.name} was trained with other features than this version has`,
    cure,
    stops: true,
  };
}

async function accessLines(pool: Database["pool"]): Promise<Line[]> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const found = await run(client, call("recsys_engine.check_access", {}));
    const lines = found.map(({ stops, problem, cure }) => ({ what: "rights", said: problem, cure, stops }));
    return lines.length > 0 ? lines : [{ what: "rights", said: "people and the service may read what feeds read" }];
  } finally {
    await client.query("rollback");
    client.release();
  }
}

async function scheduleLines(pool: Database["pool"], installed: Record<string, string>): Promise<Line[]> {
  if (!installed.pg_cron) return [];
  const query = db.selectFrom("recsys.schedules").select(["name", "is_active", "last_result"]);
  const schedules = await run(pool, query);
  const failed = schedules.filter(({ last_result }) => last_result?.startsWith("failed"));
  const paused = schedules.filter(({ is_active }) => !is_active);
  const lines = failed.map(({ name, last_result }) => ({
    what: "schedules",
    said: `${name} ${last_result?.split("\n")[0]}`,
    cure: "mend what it names; it runs again by itself: select * from recsys.schedules",
  }));
  if (paused.length > 0)
    lines.push({
      what: "schedules",
      said: `${paused.map(({ name }) => name).join(", ")} ${paused.length === 1 ? "is" : "are"} paused`,
      cure: `select recsys.resume('${paused[0].name}')`,
    });
  return lines.length > 0 ? lines : [{ what: "schedules", said: `${schedules.length} run by pg_cron` }];
}

async function functionsLine(url: string): Promise<Line> {
  const what = "functions";
  const cure =
    "npx supabase functions deploy, from an app that has this version (npx --no-install recsys init --into APP)";
  try {
    // every app has this one; it returns its version without a login, and refuses a feed
    const answer = await fetch(new URL("/functions/v1/recommend", url), { signal: AbortSignal.timeout(10_000) });
    await answer.body?.cancel();
    const found = answer.headers.get(versionHeader);
    if (found === null) return { what, said: `${url} answers ${answer.status} without a version`, cure, stops: true };
    return { what, said: `recsys ${found}`, ...(found !== schemaVersion && { cure, stops: true }) };
  } catch (error) {
    const said = `${url} does not answer (${(error as Error).message})`;
    return { what, said, cure: `name the project's URL; to deploy: ${cure}`, stops: true };
  }
}
