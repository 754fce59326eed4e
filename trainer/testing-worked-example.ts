/** For tests: a page of docs/ whose changes are made, one by one, in a copy of the code. */
import assert from "node:assert/strict";
import { cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../db/testing-program.ts";
import { temporaryFolder } from "./testing.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

export async function workedExample(t: Parameters<typeof temporaryFolder>[0], page: string) {
  // the copy's migrations would take the place of the template on which all other tests wait
  process.env.TEST_DATABASE_URL = "embedded";
  const copy = await temporaryFolder(t);
  const parts = [
    "supabase/functions",
    "supabase/migrations",
    "serve",
    "testing",
    "trainer",
    "db",
    "client",
    "package.json",
  ];
  for (const part of parts) await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const text = await readFile(join(root, page), "utf8");
  const blocks = Array.from(text.matchAll(/```diff\n(.*?)```/gs), ([, block]) => block);
  const fileOf = (block: string) => block.slice(0, block.indexOf("\n")).replace(/^--- /, "");

  /** Changes a file of the copy as a block of the page says. */
  async function apply(block: string): Promise<void> {
    const path = join(copy, fileOf(block));
    const [, ...lines] = block.trimEnd().split("\n");
    const part = (signs: string) =>
      lines
        .filter((line) => signs.includes(line[0] ?? " "))
        .map((line) => line.slice(1))
        .join("\n");
    const before = await readFile(path, "utf8");
    assert.equal(before.split(part(" -")).length, 2, `the lines around this change are in its file once:\n${block}`);
    await writeFile(
      path,
      before.replace(part(" -"), () => part(" +")),
    );
  }

  /** What a program prints that stands in trainer/ of the copy, as JSON. */
  async function run(program: string): Promise<unknown> {
    const path = join(copy, "trainer/program.ts");
    await writeFile(path, program);
    const { status, stdout, stderr } = await runProgram(path, [join(copy, "model")]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  /** Writes what follows from the code: the types that the migrations give, or those of the API with its document. */
  async function generate(of: "db" | "client"): Promise<void> {
    const { status, stderr } = await runProgram(join(copy, of, "generate-types.ts"), []);
    assert.equal(status, 0, stderr);
  }

  /** Writes all types, and holds the whole code to them. */
  async function assertTyped(): Promise<void> {
    await rm(join(copy, "trainer/program.ts"));
    await generate("db");
    await generate("client");
    for (const part of ["adopt", "bench", "cli", "web", "tsconfig.json"])
      await cp(join(root, part), join(copy, part), { recursive: true });
    const typescript = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout, stderr } = await runProgram(typescript, ["--noEmit"], copy);
    assert.equal(status, 0, stdout + stderr);
  }

  return { copy, text, blocks, fileOf, apply, run, generate, assertTyped };
}
