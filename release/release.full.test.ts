/** `npm run release` in a copy of the code: what it makes fits together, and what stands in its way is said before anything is written. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withoutPostgres } from "../db/testing.ts";
import { runProgram } from "../db/testing-program.ts";
import { checkout, readChecksums, releaseOf } from "../db/upgrade/schema-files.ts";
import { temporaryFolder } from "../trainer/testing.ts";
import { nextVersion, withEntry } from "./release.ts";

const noPostgres = await withoutPostgres();

test("the next version", () => {
  assert.deepEqual(
    (["major", "minor", "patch"] as const).map((step) => nextVersion("1.2.3", step)),
    ["2.0.0", "1.3.0", "1.2.4"],
  );
});

test("what is unreleased in CHANGELOG.md becomes the version's, if it says what an operator has to do", () => {
  const of = (entry: string) => `# Changes\n\n## Unreleased\n${entry}\n## 1.0.0, 2026-11-30\n\n- it began\n`;
  assert.equal(
    withEntry(of("\n**To do:** nothing.\n\n- a view\n"), "1.1.0", "2027-01-01"),
    "# Changes\n\n## Unreleased\n\n## 1.1.0, 2027-01-01\n\n**To do:** nothing.\n\n- a view\n\n## 1.0.0, 2026-11-30\n\n- it began\n",
  );
  assert.throws(
    () => withEntry(of("\n- a view\n"), "1.1.0", ""),
    /^UserError: CHANGELOG\.md lacks a line "\*\*To do:\*\*/,
  );
  assert.throws(() => withEntry(of("\n"), "1.1.0", ""), /^UserError: CHANGELOG\.md says nothing under ## Unreleased/);
});

test("a version in a copy of the code", { skip: noPostgres }, async (t) => {
  const copy = await temporaryFolder(t);
  const files = execFileSync(
    "git",
    [
      "ls-files",
      "adopt",
      "cli",
      "client",
      "db",
      "examples",
      "release",
      "serve",
      "supabase",
      "testing",
      "trainer",
      "*.json",
      "CHANGELOG.md",
    ],
    { cwd: checkout, encoding: "utf8" },
  );
  for (const file of files.trim().split("\n")) await cp(join(checkout, file), join(copy, file));
  await symlink(join(checkout, "node_modules"), join(copy, "node_modules"));
  await writeFile(join(copy, ".gitignore"), "node_modules\n.recsys/\n");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=Test", "-c", "user.email=test@example.org", ...args], {
      cwd: copy,
      encoding: "utf8",
    });
  const commit = () => git("add", "-A") + git("commit", "-qm", "as it is");
  git("init", "-q");
  const release = (step: string) => runProgram(join(copy, "release/release.ts"), [step], copy);
  const of = async (file: string) => await readFile(join(copy, file), "utf8");
  const add = async (to: string) => {
    const changes = await of("CHANGELOG.md");
    await writeFile(join(copy, "CHANGELOG.md"), changes.replace("## Unreleased\n", `## Unreleased\n\n${to}\n`));
  };
  await add("**To do:** nothing.\n\n- tested");

  const dirty = await release("minor");
  assert.deepEqual(
    [dirty.status, dirty.stderr],
    [1, "there are changes that are not committed: commit or stash them\n"],
  );
  commit();
  const { version: before } = JSON.parse(await of("package.json"));
  const first = await release("minor");
  assert.equal(first.status, 0, first.stderr);
  const made = nextVersion(before, "minor");
  for (const file of ["package.json", "package-lock.json", "client/package.json"])
    assert.equal(JSON.parse(await of(file)).version, made, file);
  for (const file of ["vite-react/package.json", "next/package.json", "plain/package.json"])
    assert.match(await of(`examples/${file}`), new RegExp(`"recsys-client": "file:recsys-client-${made}.tgz"`), file);
  assert.match(await of("CHANGELOG.md"), new RegExp(`\n## Unreleased\n\n## ${made}, \\d{4}-\\d\\d-\\d\\d\n`));
  assert.match(await of("supabase/functions/openapi/document.json"), new RegExp(`"x-recsys-version": "${made}"`));
  const last = [...readChecksums(copy).keys()].filter(releaseOf).at(-1) ?? "";
  assert.ok(last.endsWith(`_recsys_${made.replaceAll(".", "_")}.sql`));
  assert.ok((await of(last)).includes(`'${made}'`));
  const verify = await runProgram(join(copy, "db/upgrade/migrations.ts"), ["--verify"], copy);
  assert.equal(verify.status, 0, verify.stderr);
  commit();

  // what is promised stays until a major version
  const view = join(copy, "supabase/schemas/health/status.sql");
  await writeFile(view, (await readFile(view, "utf8")).replaceAll("recsys.status", "recsys.state"));
  await add("**To do:** nothing.\n\n- renamed");
  commit();
  const broken = await release("patch");
  assert.deepEqual([broken.status, git("status", "--porcelain")], [1, ""]);
  assert.match(
    broken.stderr,
    /^only a major version may take this away or change its type: view recsys\.status, column recsys\.status\./,
  );
  await appendFile(join(copy, last), "-- edited\n");
  const edited = await runProgram(join(copy, "db/upgrade/migrations.ts"), ["--verify"], copy);
  assert.match(edited.stderr, /is released and was edited/);
});
