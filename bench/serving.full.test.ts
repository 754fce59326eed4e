import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { withoutPostgres } from "../db/testing.ts";
import { withoutPooler } from "../db/testing-pooler.ts";
import { runProgram } from "../db/testing-program.ts";
import { benchmarkNames } from "./serving/names.ts";

const folder = await mkdtemp(join(tmpdir(), "recsys-bench-"));
after(() => rm(folder, { recursive: true }));

const program = fileURLToPath(new URL("serving.ts", import.meta.url));
const bench = (...args: string[]) => runProgram(program, args, folder);

test("what cannot be measured is refused before anything is made up", async () => {
  await writeFile(join(folder, "file"), "");
  for (const [args, message] of [
    [["feeds"], /'feeds' is invalid.*Allowed choices are feed, pooler/],
    [["feed", "--posts", "299"], /a whole number from 300 to 1000000 is needed/],
    [["feed", "--posts", "many"], /a whole number/],
    [["pooler", "--seconds", "0"], /a whole number from 1 to 3600/],
    [["feed", "--json", join(folder, "file/results.json")], /cannot write the results: .*ENOTDIR|EEXIST/],
    [["--load", "5"], /unknown option/],
  ] as [string[], RegExp][]) {
    const { status, stdout, stderr } = await bench(...args);
    assert.deepEqual([status, stdout], [1, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

test("one benchmark alone goes into a file of its own, whose path is printed last", async () => {
  const { status, stdout, stderr } = await bench("bundle");
  assert.equal(status, 0, stderr);
  const file = stdout.trim().split("\n").at(-1) ?? "";
  assert.match(file, /^\.recsys\/bench-[-\dT]+\.json$/);
  const { benchmarks } = JSON.parse(await readFile(join(folder, file), "utf8"));
  assert.deepEqual(
    benchmarks.map(({ name }: { name: string }) => name),
    ["bundle"],
  );
  for (const { value, floor, reached } of benchmarks[0].figures) {
    assert.ok(floor.value > 0.05 && floor.value < value && value < 5, "megabytes, of which libraries are a part");
    assert.equal(reached, value <= 1);
  }
});

test("the whole suite of a small community: each figure next to its floor, in the table and as JSON", {
  skip: (await withoutPostgres()) || withoutPooler(),
}, async () => {
  const file = join(folder, "results.json");
  const { status, stdout, stderr } = await bench(
    "--posts",
    "300",
    "--requests",
    "30",
    "--seconds",
    "1",
    "--json",
    file,
  );
  assert.equal(status, 0, stderr);
  const { benchmarks, options } = JSON.parse(await readFile(file, "utf8"));
  assert.deepEqual(options, { posts: 300, requests: 30, seconds: 1 });
  assert.deepEqual(
    benchmarks.map(({ name }: { name: string }) => name),
    benchmarkNames,
  );
  for (const { figures } of benchmarks)
    for (const { what, value, floor } of figures) {
      assert.ok(Number.isFinite(value) && Number.isFinite(floor.value), what);
      assert.ok(stdout.includes(`\n${what} `), `${what} in ${stdout}`);
    }
  const all = benchmarks.flatMap((each: { figures: { what: string }[] }) => each.figures);
  const figure = (wanted: RegExp) => all.find(({ what }: { what: string }) => wanted.test(what));
  assert.ok(figure(/^feed .* 300 posts: median/).ratio > 1, "HTTP costs more than its SQL");
  assert.equal(figure(/errors/).value, 0);
  // so few are searched exactly
  assert.equal(figure(/^recall@100, .* 100 %/).value, 1);
  assert.equal(figure(/^posts missing at most, 0.05 %/).value, 0);
});
