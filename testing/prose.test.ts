/** The pages are short and plain: their length, their sentences, and no words of our own where the field has one. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sentencesOf, wordsIn } from "./markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = ["README.md", ...globSync(["docs/**/*.md", "examples/*/README.md"], { cwd: root })];
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

for (const [page, most] of [
  ["README.md", 700],
  ["docs/architecture.md", 4000],
] as const)
  test(`${page} has at most ${most} words`, () => {
    const words = textOf(page).split(/\s+/).length;
    assert.ok(words <= most, `${words}`);
  });

test("no sentence has more than 35 words", () => {
  const sentences = pages.flatMap((page) => sentencesOf(textOf(page)).map((sentence) => ({ page, sentence })));
  assert.ok(sentences.length > 2000, `${sentences.length}`);
  assert.deepEqual(
    sentences.filter(({ sentence }) => wordsIn(sentence) > 35),
    [],
  );
});

/** What was said in words of our own, and the field's. */
const coinages: [RegExp, string][] = [
  [/\banew\b/i, "again, from scratch"],
  [/\bgo(ne|es|ing)? on (from|with) (an|the) (active|earlier|other)/i, "fine-tuning"],
  [/neither for nor against/i, "left out"],
  [/\bwho is too many\b/i, "load shedding"],
  [/feeds as they were/i, "health check"],
];

test("what has a term of the field is called by it", () => {
  const found = pages.flatMap((page) =>
    coinages.flatMap(([words, term]) => {
      const [said] = words.exec(textOf(page).replaceAll(/\s+/g, " ")) ?? [];
      return said ? [`${page}: "${said}", in place of ${term}`] : [];
    }),
  );
  assert.deepEqual(found, []);
});
