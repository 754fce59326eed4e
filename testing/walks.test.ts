/** The walks of CONTRIBUTING.md lead through the code: each step's file defines the name in the step, and of two neighbours one mentions the other. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

interface Step {
  file: string;
  name: string;
}

/** The walks by their headings; each is a list of steps. */
function walksOf(page: string): Map<string, Step[]> {
  const [, ...sections] = page.split(/^### /m);
  return new Map(
    sections.map((section) => [
      section.slice(0, section.indexOf("\n")),
      Array.from(section.matchAll(/^\d+\. \[[^\]]+\]\(([^)]+)\): `(\w+)`/gm), ([, file, name]) => ({ file, name })),
    ]),
  );
}

const defines = ({ file, name }: Step) =>
  new RegExp(
    file.endsWith(".sql")
      ? `^create (?:function|view|table) (?:recsys|recsys_engine)\\.${name}\\b`
      : `^(?:export )?(?:async )?(?:function|const|class|interface) ${name}\\b`,
    "m",
  ).test(textOf(file));

const mentions = (file: string, { name }: Step) => new RegExp(`\\b${name}\\b`).test(textOf(file));

const walks = walksOf(textOf("CONTRIBUTING.md"));

test("there are five walks of three steps or more", () => {
  assert.equal(walks.size, 5);
  for (const [walk, steps] of walks) assert.ok(steps.length >= 3, `${walk}: ${steps.length} steps`);
});

for (const [walk, steps] of walks)
  test(`the walk "${walk}" leads from each step to the next`, () => {
    for (const step of steps) {
      assert.ok(existsSync(join(root, step.file)), `${step.file} is there`);
      assert.ok(defines(step), `${step.file} defines ${step.name}`);
    }
    for (const [i, step] of steps.slice(1).entries())
      assert.ok(
        mentions(steps[i].file, step) || mentions(step.file, steps[i]),
        `${steps[i].file} names ${step.name}, or ${step.file} names ${steps[i].name}`,
      );
  });
