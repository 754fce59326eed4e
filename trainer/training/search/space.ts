/** What a search tries: values for some hyperparameters, all combinations of them or as many as are drawn. */
import { z } from "zod";
import { UserError } from "../../../db/user-error.ts";
import { Random } from "../../models/nn/random.ts";
import { type Config, leavesOf, parseConfig } from "../config/config.ts";

const values = z.array(z.unknown()).min(1);
/** Drawn so that a tenth and ten times as much are as far apart everywhere (log-uniform). */
const range = z
  .strictObject({ from: z.number().positive(), to: z.number().positive() })
  .refine(({ from, to }) => from < to, "from must be less than to");
const spaceSchema = z.record(
  z.string(),
  z.union([values, range], "must be a list, or { from, to } with 0 < from < to"),
);

/** By path, as in `towers.temperature`. */
export type Space = z.output<typeof spaceSchema>;
/** The values of one trial, by path. */
export type SearchTrial = Record<string, unknown>;

/** A grid of more is a mistake: at half a minute each they would take a day. */
const mostTrials = 3000;

/** What a file says; throws a `UserError` with a line for each thing that is wrong. */
export function parseSpace(file: string, content: unknown, config: Config): Space {
  const parsed = spaceSchema.safeParse(content ?? {});
  const problems = parsed.success
    ? Object.keys(parsed.data)
        .filter((path) => !(path in leavesOf(config)))
        .map((path) => `${path}: there is no such hyperparameter (\`recsys config\` lists them)`)
    : parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  if (parsed.success && Object.keys(parsed.data).length === 0) problems.push("it names no hyperparameter to try");
  if (!parsed.success || problems.length > 0)
    throw new UserError(problems.map((each) => `${file}: ${each}`).join("\n"));
  return parsed.data;
}

/** All combinations, the last hyperparameter changing first. Throws a `UserError` where a range would need draws, or they are too many. */
export function gridOf(space: Space): SearchTrial[] {
  let trials: SearchTrial[] = [{}];
  for (const [path, of] of Object.entries(space)) {
    if (!Array.isArray(of))
      throw new UserError(`${path} has a range, which has no end of values: give --draws, or a list`);
    trials = trials.flatMap((trial) => of.map((value) => ({ ...trial, [path]: value })));
    if (trials.length > mostTrials)
      throw new UserError(`the grid has more than ${mostTrials} combinations: give --draws`);
  }
  return trials;
}

/** Draws of the space; more of them with the same seed begin with the same (Bergstra & Bengio 2012 on why rather than a grid). */
export function drawsOf(space: Space, count: number, seed: number, config: Config): SearchTrial[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    Object.fromEntries(
      Object.entries(space).map(([path, of]) => {
        if (Array.isArray(of)) return [path, of[random.below(of.length)]];
        const drawn = of.from * (of.to / of.from) ** random.uniform();
        // four digits, as one would write it; whole where nothing else may be
        const short = Number(drawn.toPrecision(4));
        return [path, "config" in parseConfig(withValues(config, { [path]: short })) ? short : Math.round(drawn)];
      }),
    ),
  );
}

/** The config of each trial; throws a `UserError` where one cannot be. */
export function configsOf(trials: SearchTrial[], config: Config): Config[] {
  return trials.map((trial) => {
    const parsed = parseConfig(withValues(config, trial));
    if ("config" in parsed) return parsed.config;
    throw new UserError(`${JSON.stringify(trial)} cannot be tried: ${parsed.problems.join("; ")}`);
  });
}

/** A config with some of its values, by path, replaced. */
function withValues(config: Config, trial: SearchTrial): unknown {
  const changed = structuredClone(config);
  for (const [path, value] of Object.entries(trial)) {
    const names = path.split(".");
    const last = names.pop() as string;
    const at = names.reduce((group: Record<string, unknown>, name) => group[name] as Record<string, unknown>, changed);
    at[last] = value;
  }
  return changed;
}
