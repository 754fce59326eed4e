/** `node release/try-contents.ts`: what the package that `npm run pack` made has in it, and that it has not grown. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { archive, inNewFolder, project, root } from "./packed.ts";

const mostBytes = 2_500_000;
/** Every file is one of these. */
const kinds = [
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|deno\.json)$/,
  /^docs\/[a-z-]+\.md$/,
  // what is copied into an app, or read by the functions: as source
  /^supabase\/migrations\/\d+_\w+\.sql$/,
  /^supabase\/functions\/.+\.(ts|json|lock)$/,
  /^client\/src\/types\.ts$/,
  /^(db|trainer)\/.+\.(sql|yaml)$/,
  // what trains on a cluster
  /^cluster\/\w+\.(py|sh)$/,
  // what Node and the gateway run: compiled, with the map to its source
  /^(adopt|cli|client|db|serve|supabase\/functions|trainer|web)\/.+\.js(\.map)?$/,
  /^web\/pages\/(console\/)?(index\.html|page\.css|page\.js)$/,
];
/** Dependencies of the checkout that the command line can do without: they are for pages, research and tests. */
const notNeeded = ["@observablehq/plot", "@supabase/supabase-js", "esbuild", "ml-pca", "node", "preact"];

await inNewFolder(async (folder) => {
  execFileSync("tar", ["xf", archive, "--strip-components=1", "-C", folder]);
  const text = (file: string) => readFileSync(join(folder, file), "utf8");
  const files = globSync("**", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

  const strange = files.filter((file) => !kinds.some((kind) => kind.test(file)));
  assert.deepEqual(strange, [], "of no kind that belongs in the package");
  const ofTests = files.filter((file) => /\.test\.|(^|\/)testing|node_modules/.test(file));
  assert.deepEqual(ofTests, [], "only tests use these");
  for (const file of ["LICENSE", "README.md", ...(existsSync(join(root, "CHANGELOG.md")) ? ["CHANGELOG.md"] : [])])
    assert.equal(text(file), readFileSync(join(root, file), "utf8"), file);

  const compiled = files.filter((file) => file.endsWith(".js") && !file.startsWith("web/pages/"));
  assert.ok(compiled.includes("cli/cli.js") && compiled.length > 300, `${compiled.length} compiled files`);
  for (const file of compiled) {
    assert.match(text(file), new RegExp(`//# sourceMappingURL=${file.split("/").at(-1)}\\.map\\s*$`), file);
    const { sourceRoot, sources, sourcesContent } = JSON.parse(text(`${file}.map`));
    assert.deepEqual([sourceRoot, sources], ["recsys:///", [file.replace(/js$/, "ts")]]);
    // each source is in the package once: beside the file, or in its map
    const source = files.includes(sources[0]) ? text(sources[0]) : sourcesContent?.[0];
    assert.equal(source, readFileSync(join(root, sources[0]), "utf8"), `the source of ${file}`);
    assert.equal(sourcesContent === undefined, files.includes(sources[0]), `the source of ${file} is there twice`);
  }

  const { bin, engines, exports, dependencies, optionalDependencies, ...rest } = JSON.parse(text("package.json"));
  assert.deepEqual(bin, { recsys: "cli/cli.js" });
  assert.deepEqual(engines, { node: ">=20" });
  assert.deepEqual(exports, { "./package.json": "./package.json" });
  assert.deepEqual(optionalDependencies, project.optionalDependencies);
  assert.deepEqual(Object.keys(optionalDependencies), ["@tensorflow/tfjs-node"]);
  assert.deepEqual(Object.keys(rest), ["name", "version", "description", "license", "type"]);
  const needed = Object.keys(project.dependencies).filter((name) => !notNeeded.includes(name));
  assert.deepEqual(Object.keys(dependencies), needed);
  const { size } = statSync(archive);
  assert.ok(size < mostBytes, `the package has grown to ${size} bytes`);
  console.log(`${files.length} files in ${(size / 1e6).toFixed(2)} MB, with ${needed.length} dependencies`);
});
