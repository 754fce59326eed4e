// npm run docs, at its end: every link of the built site leads to a file of it, and to a heading of that.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const site = fileURLToPath(new URL("dist/", import.meta.url));
const pages = globSync("**/*.html", { cwd: site });
const html = new Map(pages.map((page) => [page, readFileSync(join(site, page), "utf8")]));
const isHeading = (page: string, id: string) => html.get(page)?.includes(` id="${id}"`) ?? false;

let links = 0;
for (const [page, text] of html)
  for (const [, link] of text.matchAll(/ (?:href|src)="([^"]+)"/g)) {
    const { origin, pathname, hash } = new URL(link, new URL(page, "http://site/"));
    if (origin !== "http://site") continue;
    links++;
    const path = decodeURIComponent(pathname).slice(1);
    const file = path === "" || path.endsWith("/") ? join(path, "index.html") : path;
    const isThere = existsSync(join(site, file)) && (hash === "" || isHeading(file, decodeURIComponent(hash).slice(1)));
    if (isThere) continue;
    console.error(`${page} links to ${link}, which is not there.`);
    process.exitCode = 1;
  }
console.log(`${links} links of ${pages.length} pages, in docs/.vitepress/dist`);
