/** The commands and their options; what they do is in commands/. docs/cli.md is generated from it. */
import { Command, InvalidArgumentError, Option } from "commander";
import { schemaVersion } from "../supabase/functions/_shared/http/schema-version.ts";
import { orders } from "../trainer/artifacts/model-folder/run-order.ts";
import { parseShard, type Shard } from "../trainer/distributed/shard.ts";
import { backends } from "../trainer/models/nn/backend.ts";
import { integerOption } from "./commands/integer-option.ts";

export const program = new Command("recsys")
  .description("A recommender that lives inside Supabase: import a community, train, publish, serve.")
  .version(schemaVersion)
  .showHelpAfterError("(--help shows what is possible)");

const database = () =>
  new Option("--database <url>", "PostgreSQL URL (default: the embedded database in .recsys)").argParser((text) => {
    // what an empty variable leaves: the option after it is taken for its value
    if (text.startsWith("--")) throw new InvalidArgumentError("a URL is needed before the next option.");
    return text;
  });
const anySeed = integerOption(0, 2 ** 31 - 1);
const seed = () => new Option("--seed <number>", "same seed, same backend: same model").default(1).argParser(anySeed);
const backend = () => new Option("--backend <name>", "what trains; default: the first that loads").choices(backends);
const data = (text: string) => new Option("--data <folder>", text);
const config = () =>
  new Option("--config <file>", "hyperparameters other than the defaults, as `recsys config` prints them (YAML)");
const port = () =>
  new Option("--port <number>", "where the functions listen").default(54321).argParser(integerOption(0, 65535));
const encoders = () =>
  new Option(
    "--encoders <folder>",
    "models that make vectors of posts, each in a folder by the name that recsys.settings.text_encoder has",
  ).env("RECSYS_ENCODERS");

/** A command that works in a database. */
const command = (parent: Command, name: string, description: string) =>
  parent.command(name).description(description).addOption(database());

command(program, "start", "everything: community in, models trained, functions served, one feed printed")
  .addOption(data("community bundle (default: a synthetic community)"))
  .addOption(seed())
  .addOption(backend())
  .addOption(port())
  .option("--exit", "end after printing the feed")
  .action(async (options) => (await import("./commands/start.ts")).startCommand(options));

command(
  program,
  "import",
  "import a community bundle in one transaction, and later what changed in it; a second import of the same changes nothing",
)
  .addOption(data("community bundle").makeOptionMandatory())
  .action(async (options) => (await import("./commands/import.ts")).importCommand(options));

command(
  program,
  "check",
  "check the app's tables and source views: one line per problem, with the fix; exit status 1 if a problem blocks feeds or training",
).action(async (options) => (await import("./commands/check.ts")).checkCommand(options));

command(
  program,
  "compare",
  "compare the app's own listing for a user with the posts that their feed may show, and name the columns that differ; status 1 if the feed may show more",
)
  .requiredOption("--as <user>", "whose listing and feed: uuid, or the id in the imported bundle")
  .requiredOption(
    "--sql <statement>",
    "the listing, one statement that reads: its first column holds the ids of posts, and it has no limit",
  )
  .action(async (options) => (await import("./commands/compare.ts")).compareCommand(options));

command(
  program,
  "doctor",
  "check the installation (Node, PostgreSQL, extensions, clock, schema, model, grants, schedules, functions): one line per check, with the fix; exit status 1 on a blocking problem",
)
  .option("--functions <url>", "where the Edge Functions are: https://PROJECT.supabase.co")
  .action(async (options) => (await import("./commands/doctor.ts")).doctorCommand(options));

command(program, "token", "an access token of a user for `recsys serve`, valid for an hour: to try supabase-js by hand")
  .argument("<user>", "uuid, or the id in the imported bundle")
  .addOption(port())
  .action(async (user, options) => (await import("./commands/token.ts")).tokenCommand(user, options));

program
  .command("init")
  .description(
    "put migrations, the functions recommend, similar, ideas and embed, and their configuration into the supabase folder of your own app; again later: upgrade them. The function events writes the example app's tables and is not among them: an app writes its own",
  )
  .option("--into <folder>", "the app's folder, which holds supabase/", ".")
  .option("--database <url>", "the app's database, which is only read: the source views are drafted from its tables")
  .action(async (options) => (await import("./commands/init.ts")).initCommand(options));

program
  .command("uninstall")
  .description(
    "print what an installation left in an app's database and folder, and what stays; with --yes take it out, in one transaction of the database and then the files. What was changed since is kept",
  )
  .addOption(database().makeOptionMandatory())
  .option("--from <folder>", "the app's folder, which holds supabase/", ".")
  .option("--yes", "do it, and do not only print it")
  .action(async (options) => (await import("./commands/uninstall.ts")).uninstallCommand(options));

program
  .command("draft")
  .description(
    "print a draft of the source views from the tables of an app, which it only reads; status 1 where it finds no posts",
  )
  .addOption(database().makeOptionMandatory())
  .action(async (options) => (await import("./commands/draft.ts")).draftCommand(options));

program
  .command("try")
  .description("replay an app's own history before anything is installed: the feed beside simple orders. It only reads")
  .requiredOption("--database <url>", "the app's database")
  .requiredOption("--into <folder>", "an empty folder for the draft, the report and the embedded database")
  .option("--order <sql>", "the app's own order, an expression over a post, highest first; `:at`: when it is asked")
  .addOption(seed())
  .addOption(backend())
  .addOption(config())
  .action(async (options) => (await import("./commands/try.ts")).tryCommand(options));

const asMany = (most: number, flags: string, text: string) =>
  new Option(flags, text).argParser(integerOption(1, most)).makeOptionMandatory();
program
  .command("plan")
  .description(
    "which Supabase compute size carries a community of this size, what stops first, and what to do then: from measured unit costs, without a database",
  )
  .addOption(asMany(1e10, "--users <number>", "how many people there are"))
  .addOption(asMany(1e10, "--posts <number>", "how many posts there are"))
  .addOption(asMany(1e10, "--events-per-day <number>", "views, votes, comments and logins of a day"))
  .addOption(asMany(1e6, "--feeds-per-second <number>", "feeds that are asked for in the busiest minutes"))
  .action(async (options) => (await import("./commands/plan.ts")).planCommand(options));

command(program, "train", "learn towers and ranker from the database, into a folder")
  .addOption(seed())
  .addOption(backend())
  .addOption(config())
  .option("--until <time>", "learn only from what happened before it, to evaluate on what came after", time)
  .option("--out <folder>", "where the model goes (default: .recsys/models/NAME)")
  .action(async (options) => (await import("./commands/train.ts")).trainCommand(options));

command(
  program,
  "export",
  "write users, posts, interactions and impressions as Parquet, and the examples that towers and ranker are trained on, for a training elsewhere (cluster/)",
)
  .requiredOption("--out <folder>", "where they go; several shards may share it")
  .option("--from <time>", "interactions and impressions from then on (examples still use the full history)", time)
  .option("--to <time>", "only what happened before it, in tables and examples (default: all that has settled)", time)
  .option("--shard <i/n>", "the i-th of n parts, which together are the whole; any machine may make any", shard)
  .option("--s3 <url>", "upload the files to s3://BUCKET/PREFIX as well, the manifest last; a second start goes on")
  .addOption(
    new Option("--stage <name>", "ranker: the second half, when towers were trained on the first one")
      .choices(["towers", "ranker"])
      .default("towers"),
  )
  .addOption(seed())
  .addOption(config())
  .action(async (options) => (await import("./commands/export.ts")).exportCommand(options));

command(
  program,
  "import-model",
  "make a model of an export's weights that were trained elsewhere (cluster/): it is calibrated here, and `recsys publish` takes it past the gate as any other",
)
  .argument("<folder>", "the export, with weights.safetensors in each of its stages")
  .option("--out <folder>", "where the model goes (default: .recsys/models/NAME)")
  .action(async (folder, options) => (await import("./commands/import-model.ts")).importModelCommand(folder, options));

command(
  program,
  "archive",
  "archive old days of the impression log to Parquet files; each file is read back before its partition is detached; training reads the files",
)
  .option("--out <folder>", "where the files go; with --s3 only until they are uploaded")
  .option("--s3 <url>", "s3://BUCKET/PREFIX, in any storage that speaks S3's protocol (docs/archive.md)")
  .option("--before <day>", "days before this one (default: 31 days ago, the latest that is possible)", day)
  .option(
    "--restore <days>",
    "instead: bring a day back into the table, or FROM..TO, for SQL that reaches so far",
    days,
  )
  .action(async (options) => (await import("./commands/archive.ts")).archiveCommand(options));

program
  .command("config")
  .description("print a config file: every hyperparameter with its default and the reason for it")
  .action(async () => (await import("./commands/config.ts")).configCommand());

program
  .command("runs")
  .description("what was trained, with which config, on which data, and how good it was on held-out requests")
  .argument("[folder]", "where the models are (default: .recsys/models)")
  .addOption(new Option("--by <order>", "which come first").choices(orders).default("newest"))
  .action(async (folder, options) => (await import("./commands/runs.ts")).runsCommand(folder, options));

command(
  program,
  "search",
  "train with many configs, one folder each, and say which is best on held-out requests; a second start goes on",
)
  .argument(
    "<space>",
    "a YAML file of hyperparameters and what to try: `towers.temperature: [0.1, 0.2]`, or with --draws `{ from: 0.05, to: 0.5 }`",
  )
  .requiredOption("--out <folder>", "where the models go")
  .option("--draws <number>", "random draws (default: every combination)", integerOption(1, 3000))
  .addOption(config())
  .addOption(seed())
  .addOption(backend())
  .option("--until <time>", "learn only from what happened before it", time)
  .action(async (space, options) => (await import("./commands/search.ts")).searchCommand(space, options));

command(program, "evaluate", "compare the system with simple baselines on a community's own history")
  .addOption(data("evaluate this bundle, in a database of its own"))
  .addOption(
    new Option(
      "--protocol <name>",
      "Replay is what users would have seen, event by event. Cut is one ranking of everything. Ideas is how many people each later post would reach, from its text and author alone",
    )
      .choices(["replay", "cut", "ideas"])
      .default("replay"),
  )
  .addOption(
    new Option("--seed <numbers>", "one, or several such as 1,2,3: each of them, then their mean and range")
      .default([1], "1")
      .argParser(seeds),
  )
  .option(
    "--model <model>",
    "replay: a model that was trained before, by folder, name or number, instead of one trained now; may come several times",
    (text, before: string[] = []) => [...before, text],
  )
  .addOption(backend())
  .addOption(config())
  .option(
    "--valid-from <time>",
    "replay: start of the window for choosing settings (default: the tenth before the last)",
    time,
  )
  .option("--test-from <time>", "replay, ideas: start of the test (default: the last tenth)", time)
  .option("--sample <number>", "replay: how many events (default: 1000)", integerOption(1, 1_000_000))
  .option("--split <how>", "cut: random (80/20), or the instant where the test begins (default: random)", (text) =>
    text === "random" ? text : time(text),
  )
  .option(
    "--out <folder>",
    "write rankings.ndjson, metrics.json and report.html there; several seeds: one folder per seed; ideas: forecasts.ndjson and metrics.json",
  )
  .action(async (options) => (await import("./commands/evaluate.ts")).evaluateCommand(options));

command(
  program,
  "publish",
  "put a trained model into the database, next to the one that serves, then switch in one transaction. A gate refuses a model that is broken, of another community, or worse on requests that neither learned from",
)
  .argument("[folder]", "model folder (default: the newest of this community in .recsys/models)")
  .option("--no-activate", "leave the serving model as it is")
  .option("--from-another-community", "take a model that was trained on another community than this database holds")
  .action(async (folder, options) => (await import("./commands/models.ts")).publishCommand(folder, options));

command(program, "activate", "let a published model serve")
  .argument("<model>", "its name or number")
  .action(async (model, options) => (await import("./commands/models.ts")).activateCommand(model, options));

command(program, "rollback", "bring back the model that served before")
  .argument("[model]", "the model to take out, by name or number (default: the one that serves)")
  .action(async (model, options) => (await import("./commands/models.ts")).rollbackCommand(model, options));

command(program, "recommend", "print the feed of a user, over HTTP; it logs no impressions")
  .argument("<user>", "uuid, or the id in the imported bundle")
  .option("--limit <number>", "how many posts", integerOption(1, 100), 10)
  .action(async (user, options) => (await import("./commands/serve.ts")).recommendCommand(user, options));

command(program, "serve", "serve the Edge Functions, the feed page and the console on this machine, with a worker")
  .addOption(port())
  .addOption(new Option("--replica <url>", "a streaming replica of --database for feeds").env("RECSYS_REPLICA_URL"))
  .addOption(encoders())
  .action(async (options) => (await import("./commands/serve.ts")).serveCommand(options));

command(
  program,
  "worker",
  "do what pg_cron does elsewhere: embed new and edited posts and users, make topics when another model serves, measure each day. With --train it also works training requests. Any number of workers may run",
)
  .option("--batch", "also make the lists of the runs that pg_cron begins each night")
  .option(
    "--train",
    "train and publish when it is asked for: recsys.request_training(), which pg_cron calls each night",
  )
  .addOption(config())
  .addOption(encoders())
  .option("--once", "with --train: end when no request waits, with status 1 if one failed (for a scheduled job)")
  .action(async (options) => (await import("./commands/worker.ts")).workerCommand(options));

command(
  program,
  "health",
  "compare metrics of feeds, models and queues with their bounds, worst first, with the fix; exit status 1 if any is out of bounds (for a scheduled job)",
).action(async (options) => (await import("./commands/health.ts")).healthCommand(options));

command(
  program,
  "batch",
  "precompute the 50 best posts of every active user into recsys.batch_recommendations; parallel runs share the work",
).action(async (options) => (await import("./commands/batch.ts")).batchCommand(options));

command(
  program,
  "topics",
  "recompute topics from the active model's vectors: names, demand and supply of each topic; `publish` does this as well",
).action(async (options) => (await import("./commands/topics.ts")).topicsCommand(options));

const experiment = program
  .command("experiment")
  .description("serve some people with another model, other weights or settings, and see what that does");

command(experiment, "start", "begin an experiment, from the next request on")
  .argument("<name>", "small letters, digits, - and _; never used twice")
  .argument(
    "<variants>",
    'as JSON, first the one that the others are compared with: `[{"name": "control", "share": 0.5}, {"name": "votes", "share": 0.5, "settings": {"vote_weight": 2}}]`. The field "model" names a published model. Or one variant alone, whose feeds the active model and another draft together: `[{"name": "both", "share": 0.1, "interleave_with": "MODEL"}]`',
  )
  .option("--layer <name>", "experiments of one layer have different people", "feed")
  .option("--window <interval>", "how long after a post was shown what is done with it counts", "1 hour")
  .option(
    "--max-loss <share>",
    "end it once a variant surely loses more of the views, votes, comments or long views than this, or has so many more dismissals",
    Number,
    0.1,
  )
  .action(async (name, variants, options) =>
    (await import("./commands/experiment.ts")).startExperimentCommand(name, variants, options),
  );

command(
  experiment,
  "shares",
  "change how many people are in each variant; as few as possible move, and the report starts counting again",
)
  .argument("<name>", "the experiment")
  .argument("<shares>", 'as JSON: {"control": 0.5, "votes": 0.5}')
  .action(async (name, shares, options) =>
    (await import("./commands/experiment.ts")).changeSharesCommand(name, shares, options),
  );

command(experiment, "stop", "stop an experiment: its users get the default feed again; the report stays available")
  .argument("<name>", "the experiment")
  .option("--reason <text>", "why, for whoever reads it later", "stopped by hand")
  .action(async (name, options) => (await import("./commands/experiment.ts")).stopExperimentCommand(name, options));

command(experiment, "report", "what each variant does, and what to conclude; it may be read as often as one likes")
  .argument("<name>", "the experiment")
  .action(async (name, options) => (await import("./commands/experiment.ts")).experimentReportCommand(name, options));

command(experiment, "list", "all experiments, the latest first").action(async (options) =>
  (await import("./commands/experiment.ts")).listExperimentsCommand(options),
);

/** Parses the part of an export. */
function shard(text: string): Shard {
  const parsed = parseShard(text);
  if (!parsed) throw new InvalidArgumentError("a part of a whole is needed: 1/4 is the first of four.");
  return parsed;
}

/** Parses a day by UTC. */
function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) throw new InvalidArgumentError("a day such as 2017-04-01 is needed.");
  return time(text).toISOString().slice(0, 10);
}

/** Parses a day, or the first and the last of some. */
function days(text: string): [from: string, to: string] {
  const [from, to = from, ...more] = text.split("..").map(day);
  if (more.length > 0 || from > to) throw new InvalidArgumentError("days such as 2017-04-01..2017-04-30 are needed.");
  return [from, to];
}

/** Parses seeds with commas between; none may come twice, or the range over them would mean nothing. */
function seeds(text: string): number[] {
  const values = text.split(",").map(anySeed);
  if (new Set(values).size < values.length) throw new InvalidArgumentError("each seed may be given only once.");
  return values;
}

/** Parses a date or an instant in ISO 8601; a date is its first instant in UTC. */
function time(text: string): Date {
  const value = new Date(text);
  const [day = ""] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  // the 30th of February is read as the 2nd of March
  const known = new Date(day);
  if (Number.isNaN(value.getTime()) || Number.isNaN(known.getTime()) || known.toISOString().slice(0, 10) !== day) {
    throw new InvalidArgumentError("a date such as 2017-04-01 is needed.");
  }
  return value;
}
