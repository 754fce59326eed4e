/** The documentation leads to what is there: links, anchors and paths exist, and the map of the architecture names every folder. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { anchorsOf, linksOf } from "./markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "client/README.md",
  ...globSync(["docs/**/*.md", "examples/*/README.md"], { cwd: root }),
];
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

test("every link of a page leads to a file, and to a heading of it", () => {
  const dead: string[] = [];
  for (const page of pages)
    for (const link of linksOf(textOf(page)).filter((each) => !/^https?:/.test(each))) {
      const [path, anchor] = link.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      const isThere = existsSync(join(root, file)) && (anchor === undefined || anchorsOf(textOf(file)).has(anchor));
      if (!isThere) dead.push(`${page}: ${link}`);
    }
  assert.deepEqual(dead, []);
});

test("every page that code, SQL or a script names is there", () => {
  const files = globSync(
    "{adopt,bench,cli,client,db,release,serve,supabase,testing,trainer,web}/**/*.{ts,tsx,sql,sh,yaml}",
    {
      cwd: root,
      exclude: (name) => name === "node_modules",
    },
  );
  // a released migration stays as databases have it, with the names of pages that were there
  const editable = files.filter((file) => !/_recsys_\d+_\d+_\d+\.sql$/.test(file));
  const named = [".ci/run", ...editable].flatMap((file) =>
    Array.from(textOf(file).matchAll(/\bdocs\/[a-z/-]+\.md\b/g), ([page]) => ({ file, page })),
  );
  assert.ok(named.length > 20, `${named.length}`);
  assert.deepEqual(
    named.filter(({ page }) => !existsSync(join(root, page))),
    [],
  );
});

test("the map names every folder of code", async () => {
  const text = await readFile(join(root, "docs/architecture.md"), "utf8");
  for (const top of ["adopt", "bench", "cli", "client", "db", "serve", "supabase", "testing", "trainer", "web"]) {
    const entries = await readdir(join(root, top), { recursive: true, withFileTypes: true });
    for (const { name, parentPath } of entries.filter((entry) => entry.isDirectory())) {
      const folder = relative(root, join(parentPath, name));
      if (folder.includes("/.") || folder.endsWith("/dist")) continue;
      assert.ok(text.includes(`${name}/`), `docs/architecture.md does not name ${folder}`);
    }
  }
});

test("the site's list of pages has every page", async () => {
  const config = await readFile(join(root, "docs/.vitepress/config.ts"), "utf8");
  const names = globSync("docs/**/*.md", { cwd: root }).map((page) => relative("docs", page).slice(0, -".md".length));
  const missing = names.filter((name) => name !== "index" && !config.includes(`, "${name}"]`));
  assert.deepEqual(missing, []);
});

test("what README measured stands in the pages of research", () => {
  const [, table] = textOf("README.md").split("## Measured on 2 cores");
  const cells = Array.from(table.matchAll(/^\| .* \| (.*) \|$/gm), ([, cell]) => cell).slice(1);
  const figures = cells.slice(0, 5).flatMap((cell) => cell.match(/[\d.,]*\d(?: (?:min|ms|GB)(?: \d+ s)?)?/g) ?? []);
  assert.ok(figures.length >= 8, `${figures}`);
  const research = globSync("docs/research/*.md", { cwd: root }).map(textOf).join();
  assert.deepEqual(
    figures.filter((figure) => !research.includes(figure)),
    [],
  );
});

test("npx in pages, cures and examples never downloads a package", () => {
  const files = globSync(
    ["*.md", "{adopt,cli,client,docs,examples,serve,supabase,trainer,web}/**/*.{md,ts,tsx,sql,yaml,html}"],
    {
      cwd: root,
      exclude: (name) =>
        /^(node_modules|dist|CHANGELOG\.md|\d+_recsys_\d+_\d+_\d+\.sql)$/.test(name.split("/").at(-1) ?? ""),
    },
  );
  // the upgrade mends the cures of the first release
  const unsafe = files.filter((file) =>
    /\bnpx recsys\b/.test(textOf(file).replaceAll("'npx recsys'", "").replaceAll("'%npx recsys%'", "")),
  );
  assert.ok(files.length > 300, `${files.length}`);
  assert.deepEqual(unsafe, []);
});
