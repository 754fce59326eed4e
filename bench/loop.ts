/**
 * Runs the closed loop: 90 days of a synthetic community, then 30 days on which a policy chooses every page (`--help` lists
 * the options). `npm run bench -- loop`. Takes 15 to 20 minutes a seed; --out FOLDER writes loop.ndjson and report.html.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { integerOption } from "../cli/commands/integer-option.ts";
import { World } from "../trainer/data/synthetic/world.ts";
import { mostRecent, popularity, recencyBaselineRecommender } from "../trainer/evaluation/baselines/simple.ts";
import { closedLoop, type Day, type Policy } from "./loop/closed-loop.ts";
import { type LoopRun, measuresOf } from "./loop/measures.ts";
import { asLines, loopPage, loopTable } from "./loop/report.ts";
import { Baseline, FacetCounts, Generator, TrueLaw } from "./loop/simple-policies.ts";
import { SystemPolicy } from "./loop/system-policy.ts";

type Make = (seed: number, print: (line: string) => void) => Policy;

/** The system, changed by a statement. */
function system(name: string, { change, follows = false }: { change?: string; follows?: boolean } = {}): Make {
  return (seed, print) => new SystemPolicy({ name, seed, change, follows, print });
}
const set = (settings: string) => `update recsys.settings set ${settings}`;

/** The policies that may choose the pages, by the names they are asked for. */
const policies: Record<string, Make> = {
  recent: () => new Baseline("most recent", mostRecent),
  active: () => new Baseline("last active, with age", recencyBaselineRecommender),
  popular: () => new Baseline("popularity, 7 days", (sizes) => popularity(sizes, 7 * 24)),
  "popular-ever": () => new Baseline("popularity, all time", popularity),
  own: () => new Generator(),
  facets: () => new FacetCounts(false),
  "facets-profile": () => new FacetCounts(true),
  law: () => new TrueLaw(),
  system: system("the system"),
  "system-follows": system("the system, people follow", { follows: true }),
  "system-untried": system("the system, no trials", { change: set("trial_place = 0") }),
  "system-plain": system("the system, by score alone", {
    change: set("diversity = 0, author_decay = 1, trial_place = 0"),
  }),
  "system-late": system("the system, which learns of dismissals at night alone", {
    change:
      "do $$ begin execute replace(pg_get_functiondef('recsys_engine.dismissed_posts'::regproc), '14 days', '0 days'); end $$",
  }),
};

/** It lives as many days by itself; people and posts keep arriving as before. */
const before = 90;
const size = { users: 1000, posts: 2500 };

const program = new Command("npm run bench -- loop")
  .description("A policy chooses every page of a synthetic community, with its own consequences. Needs a PostgreSQL.")
  .addOption(
    new Option("--policies <names>", `comma-separated: ${Object.keys(policies).join(", ")}`)
      .default(Object.keys(policies))
      .argParser((value) => value.split(",")),
  )
  .addOption(
    new Option("--seed <numbers>", "comma-separated").default([1]).argParser((value) => value.split(",").map(Number)),
  )
  .addOption(new Option("--days <number>", "that the policy chooses").default(30).argParser(integerOption(1, 90)))
  .addOption(new Option("--dismissals", "people dismiss what is worth little to them").default(false))
  .addOption(new Option("--out <folder>", "for loop.ndjson and report.html").default(".recsys/loop"))
  .showHelpAfterError("(--help shows what is possible)");
program.parse();
const {
  policies: wanted,
  seed: seeds,
  days,
  dismissals,
  out,
} = program.opts<{
  policies: string[];
  seed: number[];
  days: number;
  dismissals: boolean;
  out: string;
}>();
for (const name of wanted) if (!(name in policies)) program.error(`there is no policy ${name}`);

await mkdir(out, { recursive: true });
const runs: LoopRun[] = [];
for (const seed of seeds) {
  for (const name of wanted) {
    runs.push(await run(name, seed));
    // what was found is kept, whatever becomes of the others
    await writeFile(join(out, "loop.ndjson"), asLines(runs));
    await writeFile(join(out, "report.html"), loopPage(runs, { seeds: seeds.join(", "), days }));
  }
}
console.log(`\n${loopTable(runs)}\n\n${join(out, "report.html")}`);

async function run(name: string, seed: number): Promise<LoopRun> {
  const all = before + days;
  const ofAll = { users: Math.round((size.users * all) / before), posts: Math.round((size.posts * all) / before) };
  const world = new World(seed, { ...ofAll, days: all }, dismissals);
  const policy = policies[name](seed, (line) => console.log(`  ${line}`));
  console.log(`${policy.name}, seed ${seed}`);
  const lived: Day[] = [];
  try {
    const exposure = await closedLoop(world, policy, before, days, (day) => {
      lived.push(day);
      const dismissed = dismissals ? `, ${day.dismissals} dismissals` : "";
      console.log(
        `  day ${day.day}: ${(day.reward / day.visits).toFixed(2)} a visit, ${day.visits} visits${dismissed}`,
      );
    });
    return { policy: policy.name, seed, days: lived, measures: measuresOf(world, before, lived, exposure) };
  } finally {
    await policy.close?.();
  }
}
