/** The pages are short and plain: their length, their sentences, and no words of our own where the field has one. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { faultsOfFiles, faultsOfProse, proseOf } from "./comments.ts";
import { sentencesOf, wordsIn } from "./markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = ["README.md", "CONTRIBUTING.md", ...globSync(["docs/**/*.md", "examples/*/README.md"], { cwd: root })];
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

test("prose of the code is found where it is, and its faults with it", () => {
  const typescript = [
    "/** What nobody saw. */",
    'const pattern = "// no comment";',
    "// of which",
    "// .5 of all",
    `const field = z.string().meta({ ${"description"}: "Whoever asks." });`,
    "/**",
    " * One.",
    " * Two.",
    " * Three.",
    " */",
    "/**",
    " * One,",
    " * two:",
    " * - three = 3.",
    " */",
  ].join("\n");
  const found = proseOf("a.ts", typescript);
  assert.deepEqual(
    found.map(({ kind, line }) => `${kind} ${line}`),
    ["jsdoc 1", "comment 3", "description 5", "jsdoc 6", "jsdoc 11"],
  );
  assert.deepEqual(
    found.map((prose) => faultsOfProse(prose).length),
    [1, 2, 1, 1, 0],
  );
  const sql = `-- whoever\nselect '-- of what';\ncomment on table a.b is 'It''s ${"long ".repeat(60)}';\n`;
  assert.deepEqual(
    proseOf("a.sql", sql).map((prose) => [prose.kind, prose.line, faultsOfProse(prose).length]),
    [
      ["comment", 1, 1],
      ["sql comment", 3, 1],
    ],
  );
});

test("comments and descriptions are short, and without riddles", () => {
  assert.deepEqual(faultsOfFiles(root), []);
});
