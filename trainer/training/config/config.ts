/** Every hyperparameter of a training in one object: what a config file may change, and what a model says it was trained with. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { dlrmSchema } from "../../models/ranker/hyperparameters.ts";
import { towerSchema } from "../../models/towers/hyperparameters.ts";

export const configSchema = z.strictObject({
  towers: towerSchema.prefault({}).describe("The two towers, which find candidates."),
  ranker: dlrmSchema.prefault({}).describe("The DLRM, which ranks them."),
});

export type Config = z.output<typeof configSchema>;

export const defaultConfig: Config = configSchema.parse({});

/** sha256 of all values in hex: two trainings with the same one had the same hyperparameters, whatever was the default then. */
export function configDigest(config: Config): string {
  // parsed again, so that keys are in the schema's order
  return createHash("sha256")
    .update(JSON.stringify(configSchema.parse(config)))
    .digest("hex");
}

/** The values that are not the defaults, by path: `towers.temperature`. */
export function differencesOf(config: Config): Record<string, unknown> {
  const defaults = leavesOf(defaultConfig);
  return Object.fromEntries(
    Object.entries(leavesOf(config)).filter(
      ([path, value]) => JSON.stringify(value) !== JSON.stringify(defaults[path]),
    ),
  );
}

/** Every single hyperparameter by its path. */
export function leavesOf(config: object, prefix = ""): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([name, value]) =>
      typeof value === "object" && !Array.isArray(value)
        ? Object.entries(leavesOf(value, `${prefix}${name}.`))
        : [[`${prefix}${name}`, value] as const],
    ),
  );
}

/** A config of some values, defaults for the others and for what is left empty; or what is wrong, a line each with its path. */
export function parseConfig(values: unknown): { config: Config } | { problems: string[] } {
  const parsed = configSchema.safeParse(withoutEmpty(values ?? {}));
  if (parsed.success) return { config: parsed.data };
  return {
    problems: parsed.error.issues.flatMap((issue) => {
      const path = issue.path.join(".");
      if (issue.code === "unrecognized_keys")
        return issue.keys.map(
          (key) => `${[...issue.path, key].join(".")}: there is no such hyperparameter (\`recsys config\` lists them)`,
        );
      return [`${path || "the whole"}: ${lowerFirst(issue.message)}`];
    }),
  };
}

/** A section of a file of which every line was deleted is null. */
function withoutEmpty(values: unknown): unknown {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return values;
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, withoutEmpty(value)]])),
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
