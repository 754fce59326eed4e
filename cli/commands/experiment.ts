/** `recsys experiment start`, `shares`, `stop`, `report`, `list`: the functions of the database, for the command line. */
import { type Expression, sql } from "kysely";
import pg from "pg";
import { UserError } from "../../db/user-error.ts";
import { call, type Query, run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { optionalHeadInfo, optionalHeads } from "../../supabase/functions/_shared/features/kinds.ts";
import { readingDays } from "../../trainer/archive/read-archived.ts";
import { daysOfExperiment } from "../../trainer/archive/retention.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** A database, or a transaction of it. */
interface Asked {
  pool: Pick<pg.PoolClient, "query">;
}

/** Starts an experiment; `variants` is the JSON that recsys.start_experiment takes. */
export async function startExperimentCommand(
  name: string,
  variants: string,
  options: DatabaseOption & { layer: string; window: string; maxLoss: number },
): Promise<void> {
  const { layer, window, maxLoss } = options;
  const parsed = json(variants, "variants");
  await inDatabase(options, {}, async ({ database, print }) => {
    const started = call("recsys.start_experiment", {
      p_name: name,
      p_variants: parsed,
      p_layer: layer,
      p_outcome_window: window,
      p_max_loss: maxLoss,
    });
    await ask(database, started);
    print(`experiment ${name} runs: \`npx --no-install recsys experiment report ${name}\` says what it shows`);
  });
}

/** Changes the shares of a running experiment; `shares` is the JSON that recsys.change_shares takes. */
export async function changeSharesCommand(name: string, shares: string, options: DatabaseOption): Promise<void> {
  const parsed = json(shares, "shares");
  await inDatabase(options, {}, async ({ database, print }) => {
    await ask(database, call("recsys.change_shares", { p_name: name, p_shares: parsed }));
    print(`experiment ${name} has other shares, and its report starts counting again from here`);
  });
}

export async function stopExperimentCommand(name: string, options: DatabaseOption & { reason: string }): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    await ask(database, call("recsys.stop_experiment", { p_name: name, p_reason: options.reason }));
    print(`experiment ${name} has ended: everybody is served alike, and its report stays`);
  });
}

/** A time to the minute, in UTC. */
const minute = (time: Expression<Date | null>) =>
  sql<string | null>`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD HH24:MI')`;

const groupNames: Record<string, string> = {
  all: "Everybody",
  new: "New people, who signed up less than 28 days before",
  old: "All others",
};

/** Prints what an experiment shows: the people, the rates, and what to conclude. Days of it that are archived are read from their files. */
export async function experimentReportCommand(name: string, options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, onProgress, print }) => {
    const days = await daysOfExperiment(database.pool, name);
    const lines = days
      ? await readingDays(database, { ...days, onProgress }, (client) => reportLines({ pool: client }, name))
      : await reportLines(database, name);
    for (const line of lines) print(line);
  });
}

async function reportLines(database: Asked, name: string): Promise<string[]> {
  const [experiment] = await ask(
    database,
    db
      .selectFrom("recsys.experiments")
      .select(({ ref }) => [
        minute(ref("counted_from")).as("since"),
        minute(ref("ended_at")).as("until"),
        "end_reason",
        "outcome_window as counts",
        "kind",
      ])
      .where("name", "=", name),
  );
  // the report of one that is not there says so
  const figures = await (experiment?.kind === "interleaving" ? interleavingLines : splitLines)(database, name);
  const { since, until, end_reason, counts } = experiment;
  const verdicts = await ask(database, call("recsys.experiment_verdict", { p_name: name }));
  return [
    `Experiment ${name}, from ${since} UTC ${until === null ? "on, running" : `to ${until} UTC: ${end_reason}`}.`,
    `Of each post shown: whether the person viewed, voted for or commented on it within ${counts}.`,
    ...figures,
    "What to conclude, whenever you look:",
    ...verdicts.map(({ variant, verdict }) => `  ${variant}: ${verdict}`),
  ];
}

/** What the report says of variants that split people, a line each. */
async function splitLines(database: Asked, name: string): Promise<string[]> {
  const report = await ask(database, call("recsys.experiment_report", { p_name: name }));
  const split = await ask(database, call("recsys_engine.experiment_split", { p_name: name }));
  const metrics = new Set(report.map(({ metric }) => metric));
  const lines = optionalHeads
    .filter((head) => metrics.has(head))
    .map((head) => `${head}: ${optionalHeadInfo[head].counted}.`);
  for (const { variant, people, expected } of split)
    lines.push(`  ${variant}: ${people} people, of whom its share should bring ${expected}`);
  for (const [i, row] of report.entries()) {
    if (report[i - 1]?.people_group !== row.people_group) lines.push(groupNames[row.people_group]);
    const rate = `${row.acted} of ${row.impressions} (${(100 * row.rate).toFixed(2)} %)`;
    lines.push(`  ${row.metric.padEnd(9)} ${row.variant.padEnd(16)} ${rate.padEnd(26)} ${row.conclusion}`);
  }
  return lines;
}

/** What the report says of two models that draft each page. */
async function interleavingLines(database: Asked, name: string): Promise<string[]> {
  const report = await ask(database, call("recsys.interleaving_report", { p_name: name }));
  if (report.length === 0) return [];
  const [{ first_model, second_model, people, pages }] = report;
  return [
    `${first_model} (1) and ${second_model} (2) drafted ${pages} pages of ${people} people. On so many more was done with the picks of:`,
    ...report.map(({ metric, first_wins, second_wins, conclusion }) => {
      const wins = `1: ${first_wins}, 2: ${second_wins}`;
      return `  ${metric.padEnd(8)} ${wins.padEnd(20)} ${conclusion}`;
    }),
  ];
}

export async function listExperimentsCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const rows = await ask(
      database,
      db
        .selectFrom("recsys.experiments as experiments")
        .select(({ ref, selectFrom }) => [
          "name",
          "layer",
          minute(ref("started_at")).as("started"),
          sql<string>`case when ended_at is null then 'runs' else 'ended ' || ${minute(ref("ended_at"))} || ': ' || ${ref("end_reason")} end`.as(
            "state",
          ),
          selectFrom("recsys.experiment_variants as variants")
            .select(({ ref }) =>
              sql<string>`string_agg(${ref("variant")} || ' ' || round(100 * ${ref("share")}, 2)::float8 || ' %', ', ' order by ${ref("place")})`.as(
                "variants",
              ),
            )
            .whereRef("variants.experiment_id", "=", "experiments.experiment_id")
            .as("variants"),
        ])
        .orderBy("experiments.experiment_id", "desc"),
    );
    if (rows.length === 0) print("there are no experiments: `npx --no-install recsys experiment start --help`");
    for (const { name, layer, started, state, variants } of rows)
      print(`${name} (${variants}), layer ${layer}, since ${started} UTC, ${state}`);
  });
}

/** Runs a query; what the database refuses is said in its own words. */
async function ask<Row>({ pool }: Asked, query: Query<Row>): Promise<Row[]> {
  try {
    return await run(pool, query);
  } catch (error) {
    // a wrong value or name, and not a failure: 22 is bad data, 23 a constraint, 55 the wrong state, P0 raised by a function
    if (error instanceof pg.DatabaseError && /^(22|23|55|P0)/.test(error.code ?? ""))
      throw new UserError(error.hint ? `${error.message} (${error.hint})` : error.message);
    throw error;
  }
}

/** The JSON again, or what is wrong with it. */
function json(text: string, what: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new UserError(`the ${what} are no JSON: ${(error as Error).message}`);
  }
}
