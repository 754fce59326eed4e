import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const deployed: Record<string, string> = JSON.parse(read("deno.json")).imports;
const local: Record<string, string> = JSON.parse(read("../../deno.json")).imports;

test("what is deployed is what is tested: the functions' import map has the versions of deno.json", () => {
  for (const [name, target] of Object.entries(deployed)) {
    const [, base, path] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(name) ?? [];
    assert.equal(target, `${local[base]}${path ?? ""}`, name);
  }
});

test("the functions' import map has all that the functions import, and nothing native", () => {
  const imported = new Set<string>();
  for (const file of globSync("**/*.ts", { cwd: new URL(".", import.meta.url) })) {
    if (/\.test\.ts$|(^|\/)testing(-\w+)?\.ts$|^_local\//.test(file)) continue;
    for (const [, name] of read(file).matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|^import "([^"]+)"/gm))
      if (name && !name.startsWith(".")) imported.add(name);
  }
  assert.deepEqual([...imported].sort(), Object.keys(deployed).sort());
  assert.ok(![...imported].some((name) => name.startsWith("onnxruntime")));
});

test("every function verifies its callers itself and uses that map and its lock file", () => {
  const config = read("../config.toml");
  for (const file of globSync("[a-z]*/index.ts", { cwd: new URL(".", import.meta.url) })) {
    const name = file.split("/")[0];
    const section = new RegExp(`\\[functions\\.${name}\\]\\n((?:[^[].*\\n|\\n)*)`).exec(config)?.[1] ?? "";
    assert.match(section, /^verify_jwt = false$/m, name);
    assert.ok(
      read(`${name}/handler.ts`).includes(`name: "${name}"`),
      `${name} answers at another path than its folder's`,
    );
    assert.match(section, /^import_map = "\.\/functions\/deno\.json"$/m, name);
    assert.match(section, /^static_files = \["\.\/functions\/deno\.lock"\]$/m, name);
  }
});
