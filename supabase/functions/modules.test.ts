/** Each function loads only the modules that it uses. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = globSync("[a-z]*/index.ts", { cwd: folder }).map(dirname).sort();

/** The files that a file imports (with itself) and the packages, without type imports. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith(".ts")) return seen;
  const text = readFileSync(join(folder, file), "utf8");
  for (const [, what = "", from] of text.matchAll(/^(?:import|export)\s(?:([^"';]*?)\sfrom\s)?"([^"]+)"/gm)) {
    const names = /^\{([^}]*)\}$/s.exec(what.trim())?.[1].split(",") ?? [];
    if (/^type\s/.test(what) || (names.length > 0 && names.every((name) => /^\s*(type\s.*)?$/.test(name)))) continue;
    if (from.startsWith(".")) loaded(join(dirname(file), from), seen);
    else seen.add(from);
  }
  return seen;
}

const filesOf = (name: string) => [...loaded(`${name}/index.ts`)].filter((each) => /\.(ts|json)$/.test(each));

test("the document is served by few files, without a database and without schemas", () => {
  const all = [...loaded("openapi/index.ts")];
  assert.ok(filesOf("openapi").length <= 25, filesOf("openapi").join("\n"));
  assert.deepEqual(
    all.filter((each) => ["pg", "zod"].includes(each)),
    [],
  );
});

test("an ONNX runtime is loaded where a model runs, and nowhere else", () => {
  const withRuntime = names.filter((name) => filesOf(name).some((file) => /\/models\//.test(file)));
  assert.deepEqual(withRuntime, ["console", "embed", "ideas", "recommend"]);
});

test("what every function is built from names no function's business", () => {
  const rooms = new Set(
    globSync("_shared/http/*.ts", { cwd: folder })
      .filter((file) => !file.endsWith(".test.ts"))
      .flatMap((file) => [...loaded(file)])
      .filter((file) => file.endsWith(".ts"))
      .map(dirname),
  );
  assert.deepEqual([...rooms], ["_shared/http"]);
  for (const file of globSync("_shared/http/*.ts", { cwd: folder }))
    if (!file.endsWith(".test.ts")) assert.doesNotMatch(readFileSync(join(folder, file), "utf8"), /from "\.\.\//, file);
});

test("what is new gets its vector without anything of a feed", () => {
  assert.deepEqual(
    filesOf("embed").filter((file) => file.includes("/recommend/")),
    [],
  );
});
