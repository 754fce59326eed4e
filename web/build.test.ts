/** What a host of static files gets: small, and nothing of it from elsewhere. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildPages } from "./build.ts";

test("a page is three small files, with at most 250 KB of script compressed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  t.after(() => rm(folder, { recursive: true }));
  await buildPages(folder);
  assert.deepEqual((await readdir(folder)).sort(), ["index.html", "page.css", "page.js"]);
  const script = gzipSync(await readFile(join(folder, "page.js"))).length;
  t.diagnostic(`${(script / 1000).toFixed(0)} KB of script compressed`);
  assert.ok(script < 250_000, `${script} bytes`);
  const html = await readFile(join(folder, "index.html"), "utf8");
  const css = await readFile(join(folder, "page.css"), "utf8");
  // addresses that begin with / would miss where the site is a folder of its host
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address, /^(data:|[a-z])/);
  assert.doesNotMatch(
    html.replaceAll("http://www.w3.org/2000/svg", "").replaceAll("'http://www.w3.org/2000/svg'", ""),
    /https?:/,
  );
  assert.doesNotMatch(css, /url\(|https?:/);
});
