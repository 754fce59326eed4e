// npm run web: the pages into web/dist, for any host of static files; SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY name their project.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Each page's folder in web/, and where it is on the site. */
const feed = { folder: "feed", at: "" };
const operators = { folder: "console", at: "console" };

/** What a host of static files gets: a hosted project refuses secret keys from browsers, so the console is for this machine. */
export const forHosts = [feed];

const web = dirname(fileURLToPath(import.meta.url));

/** Where the pages are in the package, which brings them built and not esbuild. */
export const packagedPages = join(web, "pages");

/** Builds pages into a folder: index.html, page.js and page.css each. Takes a fifth of a second. */
export async function buildPages(folder: string, pages = [feed, operators]): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    entryPoints: pages.flatMap((page) =>
      ["page.tsx", "page.css"].map((file) => ({ in: join(web, page.folder, file), out: join(page.at, "page") })),
    ),
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "warning",
  });
  for (const page of pages) {
    await mkdir(join(folder, page.at), { recursive: true });
    await copyFile(join(web, page.folder, "index.html"), join(folder, page.at, "index.html"));
  }
}

if (import.meta.main) {
  const folder = join(web, "dist");
  await buildPages(folder, forHosts);
  const { SUPABASE_URL: url = "", SUPABASE_PUBLISHABLE_KEY: key = "" } = process.env;
  await writeFile(join(folder, "config.json"), `${JSON.stringify({ url, key }, null, 2)}\n`);
  console.log(
    url && key
      ? "The pages are in web/dist."
      : "The pages are in web/dist: write the project's url and publishable key into web/dist/config.json.",
  );
}
