/** Config files: what is printed is read, and what cannot be is refused with its path before anything is trained. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../../testing.ts";
import { configDigest, configSchema, defaultConfig, differencesOf, leavesOf } from "./config.ts";
import { defaultConfigFile, readConfig } from "./config-file.ts";

async function fileOf(t: TestContext, text: string): Promise<string> {
  const path = join(await temporaryFolder(t), "config.yaml");
  await writeFile(path, text);
  return path;
}

test("the printed file is the defaults, each with its reason above it", async (t) => {
  const text = defaultConfigFile();
  assert.deepEqual(await readConfig(await fileOf(t, text)), defaultConfig);
  const lines = text.split("\n");
  for (const path of Object.keys(leavesOf(defaultConfig))) {
    const key = path.split(".").at(-1);
    const at = lines.findIndex((line) => line.trim().startsWith(`${key}:`));
    assert.match(lines[at - 1], /^ *# \S/, `${path} has no reason`);
  }
  assert.match(text, /topHidden: \[ ?64, 32 ?\]/);
});

test("what is left out or left empty has its default, and only what differs is a difference", async (t) => {
  const config = await readConfig(
    await fileOf(t, "towers:\n  temperature: 0.1\n  fineTuning: { before: { epochs: 2 } }\nranker:\n"),
  );
  assert.deepEqual(differencesOf(config), { "towers.temperature": 0.1, "towers.fineTuning.before.epochs": 2 });
  assert.equal(config.towers.fineTuning.before.learningRate, defaultConfig.towers.fineTuning.before.learningRate);
  assert.deepEqual(await readConfig(await fileOf(t, "")), defaultConfig);
  assert.deepEqual(await readConfig(await fileOf(t, "towers:\n  temperature: 0.2\n")), defaultConfig);
  assert.deepEqual(await readConfig(undefined), defaultConfig);
});

test("a digest says whether all values are the same, in whatever order they were written", () => {
  const { towers, ranker } = defaultConfig;
  const reversed = Object.fromEntries(Object.entries(ranker).reverse()) as typeof ranker;
  assert.equal(configDigest({ ranker: reversed, towers }), configDigest(defaultConfig));
  assert.notEqual(configDigest({ towers, ranker: { ...ranker, epochs: 7 } }), configDigest(defaultConfig));
});

const refused: [name: string, text: string, lines: RegExp[]][] = [
  ["an unknown key", "towers:\n  temprature: 0.1\n", [/towers\.temprature: there is no such hyperparameter/]],
  ["an unknown section", "tower: {}\n", [/: tower: there is no such hyperparameter/]],
  ["a text for a number", "ranker:\n  epochs: many\n", [/ranker\.epochs: invalid input: expected number/]],
  ["a part of an epoch", "ranker:\n  epochs: 1.5\n", [/ranker\.epochs: invalid input: expected int/]],
  ["no epoch", "towers:\n  epochsOf: { before: 0 }\n", [/towers\.epochsOf\.before: too small/]],
  ["not a number", "towers:\n  temperature: .nan\n", [/towers\.temperature: invalid input/]],
  ["infinitely many", "ranker:\n  learningRate: .inf\n", [/ranker\.learningRate: /]],
  ["three layers", "ranker:\n  topHidden: [64, 32, 16]\n", [/ranker\.topHidden: too big/]],
  ["values that exclude each other", "ranker:\n  rows: 20\n", [/ranker\.hardNegatives: must be fewer than rows/]],
  [
    "several, a line each",
    "x: 1\ntowers: { temperature: 0 }\n",
    [/config\.yaml: towers\.temperature: /, /config\.yaml: x: there is no/],
  ],
  ["a list", "- 1\n", [/the whole: invalid input: expected object/]],
  ["the same key twice", "towers: {}\ntowers: {}\n", [/Map keys must be unique at line 2/]],
  ["no YAML", "towers: [\n", [/config\.yaml: Flow sequence.* at line 2/]],
  ["a key of every object", "__proto__: { epochs: 3 }\n", [/__proto__: there is no such hyperparameter/]],
];

for (const [name, text, expected] of refused)
  test(`${name} is refused`, async (t) => {
    const path = await fileOf(t, text);
    await assert.rejects(readConfig(path), (error: Error) => {
      assert.equal(error.name, "UserError");
      const lines = error.message.split("\n");
      assert.equal(lines.length, expected.length, error.message);
      for (const line of lines) assert.ok(line.startsWith(path), line);
      for (const pattern of expected) assert.match(error.message, pattern);
      return true;
    });
  });

test("nothing of the schema is without a reason", () => {
  const missing: string[] = [];
  const look = (
    schema: { shape?: Record<string, never>; unwrap?: () => never; description?: string },
    path: string,
  ) => {
    let inner = schema as { shape?: object; unwrap?: () => never };
    while (!inner.shape && inner.unwrap) inner = inner.unwrap();
    if (path && !schema.description) missing.push(path);
    for (const [name, of] of Object.entries(inner.shape ?? {})) look(of, `${path}.${name}`);
  };
  look(configSchema as never, "");
  assert.deepEqual(missing, []);
});
