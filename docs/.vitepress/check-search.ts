// npm run docs, at its end: the site's own search finds whatever an app may import of the client, on the client's page.
import { globSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import * as client from "../../client/src/index.ts";
import * as hooks from "../../client/src/react.ts";

const require = createRequire(import.meta.url);
// the site searches by this, with these fields
const { default: MiniSearch } = await import(
  pathToFileURL(createRequire(require.resolve("vitepress/package.json")).resolve("minisearch")).href
);
const [index] = globSync("dist/assets/chunks/@localSearchIndexroot.*.js", { cwd: import.meta.dirname });
const { default: json } = await import(new URL(index, import.meta.url).href);
const search = MiniSearch.loadJSON(json, { fields: ["title", "titles", "text"], storeFields: ["title", "titles"] });

const names = [...Object.keys(client), ...Object.keys(hooks)];
const found = (name: string): { id: string }[] => search.search(name);
const missing = names.filter((name) => !found(name).some(({ id }) => id.startsWith("/client.html")));
for (const name of missing) console.error(`The search for ${name} does not lead to the client's page.`);
if (missing.length > 0) process.exitCode = 1;
console.log(`${names.length - missing.length} of ${names.length} names of the client are found`);
