/** Follows docs/adding-a-feature.md in a copy of the code: what it says to write works, and what it says is forgotten is named. */
import assert from "node:assert/strict";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../db/testing-program.ts";
import { temporaryFolder } from "../retraining/testing.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const copy = await temporaryFolder({ after });
let blocks: string[];
let documented: string;

before(async () => {
  for (const part of ["supabase/functions", "trainer", "db", "package.json"])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const text = await readFile(join(root, "docs/adding-a-feature.md"), "utf8");
  blocks = [...text.matchAll(/```diff\n(.*?)```/gs)].map(([, block]) => block);
  documented = /^recsys: (the feature .*)$/m.exec(text)?.[1] ?? "";
});

/** Changes a file of the copy as a block says. */
async function apply(block: string): Promise<void> {
  const [header, ...lines] = block.trimEnd().split("\n");
  const path = join(copy, header.replace(/^--- /, ""));
  const part = (signs: string) =>
    lines
      .filter((line) => signs.includes(line[0]))
      .map((line) => line.slice(1))
      .join("\n");
  const text = await readFile(path, "utf8");
  assert.equal(text.split(part(" -")).length, 2, `the lines around this change are in ${header} once:\n${block}`);
  await writeFile(
    path,
    text.replace(part(" -"), () => part(" +")),
  );
}

/** What a program in the copy prints. */
async function run(program: string): Promise<unknown> {
  const path = join(copy, "trainer/program.ts");
  await writeFile(path, program);
  const { status, stdout, stderr } = await runProgram(path, []);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const imports = `
import { featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { postFeatures, rankerFeatures } from "../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { assertFilled, featureNames } from "./dlrm/filled-features.ts";
const user = { created_at: 0, last_active_at: null, views: 0, votes: 0, comments: 0, logins: 0, recent: [], recent_logins: [], habit_log_age: null, habit_log_idle: null, recent_interactions: [], history: [] };
const post = { title: "Two words", tags: [], author_id: null, created_at: 0, embedding: null, similarity: 0, ranks: {}, last_active_at: null, kind: null, views: 0, votes: 0, comments: 0, participants: 0, last_comment_at: null, by_author: false, recent: [], author_affinity: 0 };
const features = rankerFeatures(user, [post], 3_600_000);
`;
const described = `${imports}
assertFilled(features);
const at = postFeatures.indexOf("log_title_words");
console.log(JSON.stringify({ digest: await featureSpecDigest(), width: contracts.dlrm.inputs.post_features.dims[1], names: featureNames.length, value: features.posts[at] ?? null }));`;

test("a line is enough: its value, the graph's width, the watch over it and the digest follow", async () => {
  const before = (await run(described)) as Record<string, number>;
  assert.equal(before.value, null);
  await apply(blocks[0]);
  const now = (await run(described)) as Record<string, number>;
  assert.deepEqual(
    { ...now, digest: now.digest !== before.digest },
    { digest: true, width: before.width + 1, names: before.names + 1, value: Math.fround(Math.log1p(2)) },
  );
});

test("the ranker's graph answers as its network does with one feature more", async () => {
  const { status, stderr, stdout } = await runProgram(join(copy, "trainer/export/dlrm.test.ts"), []);
  assert.equal(status, 0, stderr + stdout);
  assert.ok(stdout.length > 0, "it ran");
});

test("a feature that nothing fills is named at once", async () => {
  assert.equal(blocks.length, 3, "this test knows of three changes");
  for (const block of blocks.slice(1)) await apply(block);
  const message = await run(`${imports}
try { assertFilled(features); console.log("null"); } catch (error) { console.log(JSON.stringify(error.message)); }`);
  assert.equal(message, documented);
});
