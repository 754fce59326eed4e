/**
 * `node release/try-walk.ts` adopts the packed package in an empty folder: a small app's tables, `init`, push, `check`, `train`,
 * `publish`, `serve`, and the app's page in Chromium. Needs a PostgreSQL, Chromium and the npm registry; 40 s on two quiet cores.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { emptyDatabase } from "../adopt/testing-blog.ts";
import type { Scope } from "../db/testing.ts";
import { startBrowser } from "../testing/browser.ts";
import { archive, elsewhere, inNewFolder, outputOf, packClient, project, root } from "./packed.ts";
import { examplePage, madeSession, serveFolder, signInStorage } from "./plain-page.ts";
import { fillTinyApp, tinyApp, tinyPerson } from "./tiny-app.ts";

const began = Date.now();
/** Commands of the walk that a first feed does not need. */
const asides = ["--version", "doctor"];
const cleanings: (() => unknown)[] = [];
const scope = { after: (clean: () => unknown) => void cleanings.unshift(clean) } as Scope;
await inNewFolder(async (folder) => {
  try {
    await walk(folder);
  } finally {
    for (const clean of cleanings) await clean();
  }
});

async function walk(folder: string): Promise<void> {
  const app = join(folder, "app");
  mkdirSync(app);
  const here = { cwd: app, env: { ...elsewhere(), SUPABASE_TELEMETRY_DISABLED: "1" } };
  const step = (what: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${what}`);
  const { pool, url } = await emptyDatabase(scope, "walk");
  // what an adopter types, from the installed package to a feed
  const typed = ["npm install"];
  const recsys = (...args: string[]) => {
    if (!asides.includes(args[0])) typed.push(`recsys ${args[0]}`);
    return outputOf("npx", ["--no-install", "recsys", ...args], here);
  };
  const inDatabase = (command: string, ...args: string[]) => recsys(command, ...args, "--database", url);
  const supabase = (...args: string[]) =>
    outputOf(join(root, "node_modules/.bin/supabase"), [...args, "--workdir", app], here);
  const push = () => supabase("db", "push", "--db-url", `${url.split("?")[0]}?sslmode=disable`, "--yes");
  const migrations = join(app, "supabase/migrations");

  // the typed client is a package of its own
  const client = await packClient(folder);
  writeFileSync(join(app, "package.json"), '{ "private": true }');
  const supabaseJs = `@supabase/supabase-js@${project.dependencies["@supabase/supabase-js"]}`;
  await outputOf("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", archive, client, supabaseJs], here);
  assert.equal((await recsys("--version")).trim(), project.version);
  await importsNothing(app);
  step("installed");

  await supabase("init");
  mkdirSync(migrations, { recursive: true });
  writeFileSync(join(migrations, "20250101000000_app.sql"), tinyApp);
  await push();
  await fillTinyApp(pool);
  step("the app's tables and rows are there");

  assert.match(await recsys("init", "--into", ".", "--database", url), /^Next:/m);
  bringsWhatTheCheckoutDoes(folder, app);
  await push();
  typed.push("supabase db push");
  step("the recommender is there too, by the draft as it stands");

  // where check names an index, a migration of the app's own makes it
  const wrong = (await inDatabase("check")).trim().split("\n");
  assert.deepEqual([wrong.length, wrong[0].split(". ")[0]], [1, "warning  no events are rolled up yet"]);
  step("check knows of no problem");

  await inDatabase("train");
  assert.match(await inDatabase("publish"), /^the gate lets it pass: /m);
  step("a model is trained and published");

  const address = await serveFunctions(here, url);
  typed.push("recsys serve");
  const doctor = await inDatabase("doctor", "--functions", address);
  assert.match(doctor, new RegExp(`^ok +schema +recsys ${project.version}$`, "m"));
  assert.match(doctor, new RegExp(`^ok +functions +recsys ${project.version}$`, "m"));
  step("doctor finds one version of all");

  const { port } = new URL(address);
  const token = (await inDatabase("token", tinyPerson(7), "--port", port)).trim();
  writeFileSync(join(app, "index.html"), examplePage(address));
  const browser = await startBrowser();
  scope.after(() => browser.close());
  const context = await browser.newContext();
  await signInStorage(context, madeSession(tinyPerson(7), token));
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(await serveFolder(scope, app));
  const cards = page.locator("article h2");
  await cards.nth(19).waitFor();
  const titles = await cards.allTextContents();
  assert.deepEqual([titles.length, errors], [20, []]);
  const { rows } = await pool.query(
    "select count(*)::int as shown from public.posts where title = any ($1) and not is_draft",
    [titles],
  );
  assert.deepEqual(rows, [{ shown: 20 }], "posts that its reader may read");
  assert.ok(typed.length <= 10, typed.join(", "));
  step(`Chromium shows a feed of 20 posts, after ${typed.length} commands: ${typed.join(", ")}`);
}

/** It is a command line: there is nothing to import by its name. */
async function importsNothing(app: string): Promise<void> {
  const script = `import("recsys").catch(({ code }) => console.log(code))`;
  const said = await outputOf("node", ["--input-type=module", "--eval", script], { cwd: app, env: elsewhere() });
  assert.equal(said.trim(), "ERR_PACKAGE_PATH_NOT_EXPORTED");
  // where an unexpected error occurs, RECSYS_TRACE names the sources
  const broken = join(app, "broken");
  mkdirSync(join(broken, "supabase/config.toml"), { recursive: true });
  const traced = outputOf("npx", ["--no-install", "recsys", "init", "--into", "broken"], {
    cwd: app,
    env: { ...elsewhere(), RECSYS_TRACE: "1" },
  });
  await assert.rejects(traced, /EISDIR[\s\S]* \(recsys:\/\/\/adopt\/init\/init\.ts:\d+:\d+\)/);
}

/** `init` writes what that of this checkout writes: asked again over it, that replaces every file. */
function bringsWhatTheCheckoutDoes(folder: string, app: string): void {
  const brought = join(folder, "brought");
  cpSync(join(app, "supabase"), brought, { recursive: true });
  execFileSync(process.execPath, [join(root, "cli/cli.ts"), "init", "--into", app], { stdio: "ignore" });
  execFileSync("diff", ["-r", brought, join(app, "supabase")], { stdio: "inherit" });
}

/** Where the functions are, which are served until the walk is over. */
async function serveFunctions({ cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }, url: string): Promise<string> {
  const bin = join(cwd, "node_modules/.bin/recsys");
  const child = spawn(bin, ["serve", "--database", url, "--port", "0"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  scope.after(async () => {
    child.kill("SIGINT");
    await once(child, "exit");
  });
  for await (const line of createInterface(child.stdout)) {
    const address = /^functions are served on (http:\/\/localhost:\d+)\//.exec(line)?.[1];
    if (address) return address;
  }
  throw new Error("recsys serve does not serve");
}
