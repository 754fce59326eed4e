/** Which test files a change reaches, in a small repository. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { temporaryFolder } from "../trainer/testing.ts";
import { reachedTests } from "./changed-files.ts";

const root = await temporaryFolder({ after });
const sources = {
  "db/testing.ts": "",
  "feed/rank.ts": 'import { sum } from "./sum.ts";',
  "feed/sum.ts": 'import type { Rank } from "./rank.ts";',
  "feed/rank.test.ts": 'import { rank } from "./rank.ts";\nimport "../db/testing.ts";',
  "feed/sum.test.ts": 'export { sum } from "./sum.ts";',
  "feed/commands/run.ts": "",
  "feed/commands/run.test.ts": "",
  "pages/far.test.ts": 'import "../feed/rank.ts";',
  "pages/near.test.ts": 'import "../feed/sum.ts";',
  "web/page.test.ts": 'import assert from "node:assert";\nconst page = read("page.html");',
};
for (const [file, text] of Object.entries(sources)) {
  await mkdir(join(root, dirname(file)), { recursive: true });
  await writeFile(join(root, file), text);
}
const tests = Object.keys(sources).filter((file) => file.endsWith(".test.ts"));
const reached = (...changed: string[]) => reachedTests(root, tests, changed);

test("a source file reaches the tests that import it, over other files and in a circle, the nearest first", () => {
  assert.deepEqual(reached("feed/sum.ts"), [
    "feed/rank.test.ts",
    "feed/sum.test.ts",
    "pages/near.test.ts",
    "pages/far.test.ts",
  ]);
  assert.deepEqual(reached("db/testing.ts"), ["feed/rank.test.ts"]);
  assert.deepEqual(reached("web/page.test.ts"), ["web/page.test.ts"]);
});

test("a file reaches the tests beside it, which may run it as a process", () => {
  assert.deepEqual(reached("feed/commands/run.ts"), ["feed/commands/run.test.ts"]);
});

test("the schema reaches the tests that make a database, and another file those that name it", () => {
  assert.deepEqual(reached("supabase/schemas/recsys/feed.sql"), ["feed/rank.test.ts"]);
  assert.deepEqual(reached("web/page.html"), ["web/page.test.ts"]);
  assert.deepEqual(reached("web/other.html"), []);
});

test("a file that is gone reaches what still imports it, and nothing changed reaches nothing", () => {
  assert.deepEqual(reached("gone/gone.ts"), []);
  assert.deepEqual(reached(), []);
});
