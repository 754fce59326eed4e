/** Config files: YAML, because a value wants its reason next to it. */
import { readFile } from "node:fs/promises";
import { Document, isMap, isSeq, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { z } from "zod";
import { UserError } from "../../../db/user-error.ts";
import { type Config, configSchema, defaultConfig, parseConfig } from "./config.ts";

/** Reads a config file; without one, the defaults. Throws a `UserError` with a line for each thing that is wrong. */
export async function readConfig(path: string | undefined): Promise<Config> {
  if (path === undefined) return defaultConfig;
  const parsed = parseConfig(await readYaml(path));
  if ("config" in parsed) return parsed.config;
  throw new UserError(parsed.problems.map((problem) => `${path}: ${problem}`).join("\n"));
}

/** What a YAML file holds. Throws a `UserError` where there is no such file, or it is no YAML. */
export async function readYaml(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      `${path} cannot be read (${error.code}): name a file such as \`npx --no-install recsys config > config.yaml\` writes`,
    );
  });
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new UserError(`${path}: ${error.message.split("\n")[0].replace(/:$/, "")}`);
  try {
    return document.toJS();
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`);
  }
}

/** A config file of all defaults, each with its reason. */
export function defaultConfigFile(): string {
  const document = new Document(defaultConfig);
  comment(document.contents as unknown as YAMLMap, configSchema);
  document.commentBefore = [
    " What a training may be told: `npx --no-install recsys train --config FILE`, and the same for evaluate and worker --train.",
    " These are the defaults: delete what you do not change, and it stays what is found best later.",
  ].join("\n");
  return document.toString({ lineWidth: 0 });
}

/** Writes what the schema says of each value above it. */
function comment(map: YAMLMap, schema: z.ZodType): void {
  const { shape } = objectOf(schema);
  for (const [i, { key, value }] of map.items.entries()) {
    const name = key as Scalar<string>;
    const of = shape[name.value] as z.ZodType;
    if (of.description) name.commentBefore = wrapped(of.description, 110);
    name.spaceBefore = i > 0;
    if (isMap(value)) comment(value, of);
    // two numbers are easier to read side by side
    else if (isSeq(value)) value.flow = true;
  }
}

/** The object in a schema that has a default. */
function objectOf(schema: z.ZodType): z.ZodObject {
  let inner = schema;
  while (!(inner instanceof z.ZodObject)) inner = (inner as z.ZodPrefault).unwrap() as z.ZodType;
  return inner;
}

function wrapped(text: string, width: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines[lines.length - 1].length + word.length + 1 > width) lines.push("");
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines.join("\n");
}
