/**
 * How fast the engine serves: `npm run bench -- serving [NAMES …]`, all of it without names (`--help` lists them). Prints a table, each figure next to
 * its floor in the same run, and writes the same as JSON. Needs a PostgreSQL, and nothing else on the machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { dirname } from "node:path";
import { Argument, Command, Option } from "commander";
import { integerOption } from "../cli/commands/integer-option.ts";
import { benchmarkNames, type Name } from "./serving/names.ts";
import { asJson, asTable, type MeasuredBenchmark, type Run } from "./serving/report.ts";

const program = new Command("npm run bench -- serving")
  .description(
    "How fast the engine serves. Without names all of it; needs a PostgreSQL, and nothing else on the machine.",
  )
  .addArgument(new Argument("[names...]", "which benchmarks").choices(benchmarkNames))
  .addOption(
    new Option("--posts <number>", "of the made-up community; scale and publish take ten times as many")
      .default(100_000)
      .argParser(integerOption(300, 1_000_000)),
  )
  .addOption(
    new Option("--requests <number>", "asked one after another").default(300).argParser(integerOption(3, 1_000_000)),
  )
  .addOption(new Option("--seconds <number>", "how long pooler asks").default(60).argParser(integerOption(1, 3600)))
  .option("--json <file>", "where the results go as JSON (default: a file of its own in .recsys)")
  .showHelpAfterError("(--help shows what is possible)");
program.parse();
const { json, ...options } = program.opts<Run["options"] & { json?: string }>();
const wanted = benchmarkNames.filter((name) => program.args.length === 0 || program.args.includes(name));

const run: Run = { began: new Date(), options, measured: [] };
const file = json ?? `.recsys/bench-${run.began.toISOString().slice(0, 19).replaceAll(":", "-")}.json`;
// rather now than after an hour
await save().catch((error) => program.error(`cannot write the results: ${error.message}`));

const [{ openSuite }, { openFolder, openScope }] = await Promise.all([
  import("./serving/suite.ts"),
  import("./shared/workspace.ts"),
]);
await using scope = openScope();
const suite = openSuite({ ...options, folder: await openFolder(scope), scope });
for (const name of wanted) {
  run.measured.push(await measure(name));
  // what was found is kept, whatever becomes of the others
  await save();
}
console.log(`\n${asTable(run)}\n\n${file}`);

async function save(): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, asJson(run));
}

async function measure(name: Name): Promise<MeasuredBenchmark> {
  const load = loadavg()[0];
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  console.log(`${name}, load ${load.toFixed(1)}`);
  try {
    const finding = await suite[name]();
    for (const [what, value] of Object.entries(finding.details ?? {}))
      console.log(`  ${what}: ${typeof value === "number" ? Number(value.toFixed(value < 100 ? 2 : 0)) : value}`);
    return { name, load, seconds: since(), ...finding };
  } catch (error) {
    console.error(`  ${(error as Error).stack}`);
    process.exitCode = 1;
    return { name, load, seconds: since(), error: (error as Error).message };
  }
}
