/** For tests: pages of docs/ whose changes are made, one by one, in a copy of the code. */
import assert from "node:assert/strict";
import { cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../db/testing-program.ts";
import { writeBaseline } from "../db/upgrade/testing-baseline.ts";
import { temporaryFolder } from "./testing.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A page, and the changes that it shows, in its order. */
interface Page {
  text: string;
  blocks: string[];
}

/**
 * Makes the copy, where the pages' changes of migrations are made already: each other set of migrations costs a template of its own, 5 s of a
 * processor. They are applied in the order of the pages.
 */
export async function workedExamples(t: Parameters<typeof temporaryFolder>[0], names: string[]) {
  // the copy's migrations would take the place of the template on which all other tests wait
  process.env.TEST_DATABASE_URL = "embedded";
  const copy = await temporaryFolder(t);
  const parts = [
    "supabase/functions",
    "supabase/schemas",
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
  // what is compiled of the copy is no use to others
  process.env.NODE_COMPILE_CACHE = join(copy, ".recsys/compile-cache");
  const pages: Page[] = [];
  for (const name of names) {
    const text = await readFile(join(root, name), "utf8");
    pages.push({ text, blocks: Array.from(text.matchAll(/```diff\n(.*?)```/gs), ([, block]) => block) });
  }
  const applied = new Set<string>();
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
    applied.add(block);
  }

  /** Makes those changes of a page that are not made yet, and writes what the API then is. */
  async function follow({ blocks }: Page): Promise<void> {
    for (const block of blocks) if (!applied.has(block)) await apply(block);
    await generate("client");
  }

  let programs = 0;

  /** What a program prints that stands in trainer/ of the copy, as JSON. It is given a folder for a model. */
  async function run(program: string): Promise<unknown> {
    const path = join(copy, "trainer/program.ts");
    await writeFile(path, program);
    const { status, stdout, stderr } = await runProgram(path, [join(copy, `model-${++programs}`)]);
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

  for (const block of pages.flatMap(({ blocks }) => blocks)) if (fileOf(block).endsWith(".sql")) await apply(block);
  await writeBaseline(copy);
  return { copy, pages, fileOf, apply, follow, generate, run, assertTyped };
}
