/** The documentation leads to what is there: links and paths exist, and README's map names every folder. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
const documents = ["README.md", ...pages.map((name) => join("docs", name))];

test("every link in the documentation leads to a file", async () => {
  for (const document of documents) {
    const text = await readFile(join(root, document), "utf8");
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(root, dirname(document), link)), `${document} links to ${link}`);
  }
});

test("README's map names every folder of code", async () => {
  const text = await readFile(join(root, "README.md"), "utf8");
  for (const top of ["adopt", "bench", "cli", "client", "db", "serve", "supabase", "testing", "trainer", "web"]) {
    const entries = await readdir(join(root, top), { recursive: true, withFileTypes: true });
    for (const { name, parentPath } of entries.filter((entry) => entry.isDirectory())) {
      const folder = relative(root, join(parentPath, name));
      if (folder.includes("/.") || folder.endsWith("/dist")) continue;
      assert.ok(text.includes(`${name}/`), `README does not name ${folder}`);
    }
  }
});
