/**
 * The house stands: no files or folders import each other in a circle, no room imports from one above it, no two
 * export the same name, and a file is read in a few minutes. Tests may import from anywhere.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importsOf } from "./imports.ts";

/** From the ground up; rooms of one floor import nothing of each other. */
const floors = [
  ["supabase"],
  ["db"],
  ["trainer"],
  ["serve"],
  ["testing"],
  ["adopt", "client"],
  ["web"],
  ["cli"],
  ["bench"],
  ["release"],
];
const floorsOfFunctions = [
  ["features", "http"],
  ["database"],
  ["models"],
  ["towers"],
  ["recommend"],
  ["plugins"],
  ["console", "embed", "ideas"],
];

const root = fileURLToPath(new URL("..", import.meta.url));
/** Files that were installed or built. */
const brought = /node_modules|\/dist\//;
const generated = [
  "supabase/functions/_shared/database/schema.ts",
  "supabase/functions/_shared/features/sources.ts",
  "client/src/types.ts",
  "client/src/limits.ts",
];
const files = globSync(`{${floors.flat().join()}}/**/*.{ts,tsx}`, { cwd: root }).filter(
  (file) => !/\.test\.tsx?$/.test(file) && !brought.test(file),
);
/** What tests share: a folder or file whose name begins with `testing`. */
const isForTests = (file: string) => /(^|\/)testing/.test(file);
const imports = new Map(files.map((file) => [file, importsOf(root, file)]));

/** The imports that run up, or across a floor. `room`: of a file; undefined: it is in none of these. */
function wrong(floors: string[][], room: (file: string) => string | undefined): string[] {
  const floorOf = (file: string) => floors.findIndex((rooms) => rooms.includes(room(file) ?? ""));
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => room(target) !== room(file) && floorOf(file) >= 0 && floorOf(target) >= floorOf(file))
      .map((target) => `${file} -> ${target}`),
  );
}

test("every room is known, and none imports from one above it", () => {
  assert.ok(files.length > 500, `${files.length}`);
  assert.deepEqual(
    wrong(floors, (file) => file.split("/")[0]),
    [],
  );
});

test("nor does any of what the functions share", () => {
  const shared = /^supabase\/functions\/_shared\/([^/]+)\//;
  const rooms = new Set(files.map((file) => shared.exec(file)?.[1]).filter((room) => room !== undefined));
  assert.deepEqual([...rooms].sort(), floorsOfFunctions.flat().sort());
  assert.deepEqual(
    wrong(floorsOfFunctions, (file) => shared.exec(file)?.[1]),
    [],
  );
});

/** The ways that come back to where they began. */
function circles(ways: ReadonlyMap<string, Iterable<string>>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (place: string, way: string[]) => {
    if (way.includes(place)) found.push([...way.slice(way.indexOf(place)), place].join(" -> "));
    if (done.has(place) || way.includes(place)) return;
    for (const target of ways.get(place) ?? []) walk(target, [...way, place]);
    done.add(place);
  };
  for (const place of ways.keys()) walk(place, []);
  return found;
}

test("no file is imported by what it imports", () => {
  assert.deepEqual(circles(imports), []);
});

/**
 * A folder with folders has two parts: files that combine them, such as a page of its views, and files that they are built on. An import
 * from the lower part is no circle, one from the upper part is. Helpers of tests are left out, since a test looks at its folder from above.
 */
test("no folder is imported by what it imports", () => {
  const composes = (file: string): boolean => {
    const folder = dirname(file);
    return (imports.get(file) ?? []).some(
      (target) => dirname(target).startsWith(`${folder}/`) || (dirname(target) === folder && composes(target)),
    );
  };
  const part = (file: string) => (composes(file) ? `${dirname(file)} (above its folders)` : dirname(file));
  const ways = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    if (isForTests(file)) continue;
    const from = part(file);
    const to = targets.filter((target) => /\.tsx?$/.test(target)).map(part);
    ways.set(from, new Set([...(ways.get(from) ?? []), ...to.filter((each) => each !== from)]));
  }
  assert.ok(ways.size > 70, `${ways.size}`);
  assert.deepEqual(circles(ways), []);
});

test("an exported name is one thing", () => {
  const places = new Map<string, string[]>();
  for (const file of files) {
    if (generated.includes(file)) continue;
    const text = readFileSync(join(root, file), "utf8");
    // tests of several folders each call theirs `community` or `testApp`
    const others = isForTests(file) ? "" : "|(?:async )?function\\*?|const";
    for (const [, name] of text.matchAll(
      new RegExp(`^export (?:interface|type|(?:abstract )?class${others}) (\\w+)`, "gm"),
    ))
      places.set(name, [...(places.get(name) ?? []), file]);
  }
  assert.ok(places.size > 1500, `${places.size}`);
  assert.deepEqual(
    [...places].filter(([, files]) => files.length > 1),
    [],
  );
});

test("a name of a file of SQL is one thing", () => {
  const files = globSync("supabase/{schemas/*,migrations}/*.sql", { cwd: root });
  const names = files.map((file) => file.replace(/^.*\/\d+_/, ""));
  assert.deepEqual(names, [...new Set(names)]);
});

test("no file has more than 400 lines, but for what is generated", () => {
  const all = globSync(`{${floors.flat().join()}}/**/*.{ts,tsx,sql,css}`, { cwd: root });
  const long = all
    .filter((file) => !brought.test(file) && !generated.includes(file) && !/\/\d+_recsys_\w+\.sql$/.test(file))
    .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length - 1] as const)
    .filter(([, lines]) => lines > 400);
  assert.deepEqual(long, []);
});

test("what a test is left out for is known before the first is registered: while one waits, the hooks after all tests may run", () => {
  const found = globSync("{adopt,bench,cli,client,db,release,serve,supabase,testing,trainer,web}/**/*.test.ts", {
    cwd: root,
  }).filter((file) => !brought.test(file) && /skip: awai[t] /.test(readFileSync(join(root, file), "utf8")));
  assert.deepEqual(found, []);
});
