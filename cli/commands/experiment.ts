/** `recsys experiment start`, `shares`, `stop`, `report`, `list`: the functions of the database, for the command line. */
import pg from "pg";
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { type DatabaseOption, inDatabase } from "./in-database.ts";

/** Starts an experiment; `variants` is the JSON that recsys.start_experiment takes. */
export async function startExperimentCommand(
  name: string,
  variants: string,
  options: DatabaseOption & { layer: string; window: string; maxLoss: number },
): Promise<void> {
  const { layer, window, maxLoss } = options;
  const parsed = json(variants, "variants");
  await inDatabase(options, {}, async ({ database, print }) => {
    await ask(database, "select recsys.start_experiment($1, $2, $3, $4::interval, $5)", [
      name,
      parsed,
      layer,
      window,
      maxLoss,
    ]);
    print(`experiment ${name} runs: \`npx recsys experiment report ${name}\` says what it shows`);
  });
}

/** Changes the shares of a running experiment; `shares` is the JSON that recsys.change_shares takes. */
export async function changeSharesCommand(name: string, shares: string, options: DatabaseOption): Promise<void> {
  const parsed = json(shares, "shares");
  await inDatabase(options, {}, async ({ database, print }) => {
    await ask(database, "select recsys.change_shares($1, $2)", [name, parsed]);
    print(`experiment ${name} has other shares, and its report counts anew from here`);
  });
}

/** Ends an experiment. */
export async function stopExperimentCommand(name: string, options: DatabaseOption & { reason: string }): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    await ask(database, "select recsys.stop_experiment($1, $2)", [name, options.reason]);
    print(`experiment ${name} has ended: everybody is served alike, and its report stays`);
  });
}

interface Experiment {
  since: string;
  until: string | null;
  end_reason: string;
  counts: string;
  kind: "split" | "interleaving";
}

interface ReportRow {
  variant: string;
  people_group: "all" | "new" | "old";
  metric: string;
  people: number;
  impressions: number;
  acted: number;
  rate: number;
  conclusion: string;
}

const groupNames = {
  all: "Everybody",
  new: "New people, who signed up less than 28 days before",
  old: "All others",
};

/** Prints what an experiment shows: the people, the rates, and what to conclude. */
export async function experimentReportCommand(name: string, options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const [experiment] = await ask<Experiment>(
      database,
      `select to_char(counted_from at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since, to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as until,
        end_reason, outcome_window::text as counts, kind
      from recsys.experiments where name = $1`,
      [name],
    );
    // the report of one that is not there says so
    const lines = experiment?.kind === "interleaving" ? interleavingLines : splitLines;
    const figures = await lines(database, name);
    const { since, until, end_reason, counts } = experiment;
    print(
      `Experiment ${name}, from ${since} UTC ${until === null ? "on, running" : `to ${until} UTC: ${end_reason}`}.`,
    );
    print(`Of each post shown: whether the person viewed, voted for or commented on it within ${counts}.`);
    for (const line of figures) print(line);
    const verdicts = await ask<{ variant: string; verdict: string }>(
      database,
      "select * from recsys.experiment_verdict($1)",
      [name],
    );
    print("What to conclude, whenever you look:");
    for (const { variant, verdict } of verdicts) print(`  ${variant}: ${verdict}`);
  });
}

/** What is counted beside views, votes and comments, where it is. */
const alsoCounted: Record<string, string> = {
  dismiss: "dismiss: whether they dismissed it or voted against it in that time; fewer is better.",
  long_view: "long_view: whether they viewed it for recsys.settings.long_view_seconds or longer.",
};

/** What the report says of variants that split people, a line each. */
async function splitLines(database: Database, name: string): Promise<string[]> {
  const report = await ask<ReportRow>(database, "select * from recsys.experiment_report($1)", [name]);
  const split = await ask<{ variant: string; people: number; expected: string }>(
    database,
    "select variant, people, expected from recsys.experiment_split($1)",
    [name],
  );
  const metrics = new Set(report.map(({ metric }) => metric));
  const lines = Object.keys(alsoCounted)
    .filter((metric) => metrics.has(metric))
    .map((metric) => alsoCounted[metric]);
  for (const { variant, people, expected } of split)
    lines.push(`  ${variant}: ${people} people, of whom its share should bring ${expected}`);
  for (const [i, row] of report.entries()) {
    if (report[i - 1]?.people_group !== row.people_group) lines.push(groupNames[row.people_group]);
    const rate = `${row.acted} of ${row.impressions} (${(100 * row.rate).toFixed(2)} %)`;
    lines.push(`  ${row.metric.padEnd(9)} ${row.variant.padEnd(16)} ${rate.padEnd(26)} ${row.conclusion}`);
  }
  return lines;
}

interface InterleavingRow {
  metric: string;
  first_model: string;
  second_model: string;
  people: number;
  pages: number;
  first_wins: number;
  second_wins: number;
  conclusion: string;
}

/** What the report says of two models that draft each page. */
async function interleavingLines(database: Database, name: string): Promise<string[]> {
  const report = await ask<InterleavingRow>(database, "select * from recsys.interleaving_report($1)", [name]);
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

/** Prints all experiments, the latest first. */
export async function listExperimentsCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const rows = await ask<{ name: string; variants: string; layer: string; started: string; state: string }>(
      database,
      `select name, layer, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as started,
        case when ended_at is null then 'runs' else 'ended ' || to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ': ' || end_reason end as state,
        (select string_agg(variant || ' ' || round(100 * share, 2)::float8 || ' %', ', ' order by place)
         from recsys.experiment_variants as variants where variants.experiment_id = experiments.experiment_id) as variants
      from recsys.experiments order by experiment_id desc`,
    );
    if (rows.length === 0) print("there are no experiments: `npx recsys experiment start --help`");
    for (const { name, layer, started, state, variants } of rows)
      print(`${name} (${variants}), layer ${layer}, since ${started} UTC, ${state}`);
  });
}

/** Runs a statement; what the database refuses is said in its own words. */
async function ask<Row extends pg.QueryResultRow>(
  { pool }: Database,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, values)).rows;
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
