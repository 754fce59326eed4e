/**
 * `node release/try-examples.ts`: each example as its reader has it. In a copy of what is in git, the commands of its README are run as they stand
 * there, the last of the first block being what serves it; somebody new signs in by the link that the local stand-in prints, in Chromium, and
 * sees 20 posts, more of them further down, and a vote that arrives. Needs a PostgreSQL, Chromium and the npm registry; a minute on two
 * quiet cores.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import type { Browser } from "playwright-core";
import type { Scope } from "../db/testing.ts";
import { denoPath } from "../serve/gateway.ts";
import { startBrowser } from "../testing/browser.ts";
import { servedCommunity } from "../web/testing/community.ts";
import { eventually } from "../web/testing/steps.ts";
import { elsewhere, inNewFolder, outputOf, root } from "./packed.ts";
import { examplePage } from "./plain-page.ts";

type Community = Awaited<ReturnType<typeof servedCommunity>>;

const cleanings: (() => unknown)[] = [];
const scope = { after: (clean: () => unknown) => cleanings.unshift(clean) } as Scope;

await inNewFolder(async (folder) => {
  try {
    const community = await servedCommunity(scope, "examples");
    copyCheckout(folder);
    writeFileSync(join(folder, "examples/plain/index.html"), examplePage(community.gateway.url));
    const browser = await startBrowser();
    scope.after(() => browser.close());
    for (const name of ["plain", "vite-react", "next"]) {
      const url = await doReadme(join(folder, "examples", name), community.gateway.url);
      await lookAt(url, name, browser, community);
    }
    tryInDeno(join(folder, "examples/vite-react"));
  } finally {
    for (const clean of cleanings) await clean();
  }
});

/** As after `git clone` and `npm install`, as far as examples need it. */
function copyCheckout(folder: string): void {
  const list = ["ls-files", "--cached", "--others", "--exclude-standard", "examples", "client", "tsconfig.json"];
  for (const file of execFileSync("git", list, { cwd: root, encoding: "utf8" }).trim().split("\n"))
    cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

/** Runs the commands of an example's README, and leaves it served; its address. */
async function doReadme(cwd: string, project: string): Promise<string> {
  const readme = readFileSync(join(cwd, "README.md"), "utf8");
  const [first, ...later] = Array.from(readme.matchAll(/^```sh\n(.*?)^```$/gms), ([, block]) =>
    block.trim().split("\n"),
  );
  const serves = first.pop() ?? assert.fail("README has no commands");
  // it is served on another port than that of `npm start`, which .env and index.html name
  const address = { VITE_SUPABASE_URL: project, NEXT_PUBLIC_SUPABASE_URL: project };
  const env = { ...elsewhere(), ...address, NEXT_TELEMETRY_DISABLED: "1" };
  for (const command of [...first, ...later.flat()]) await outputOf("sh", ["-c", command], { cwd, env });
  const server = spawn("sh", ["-c", serves], { cwd, env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  scope.after(async () => {
    process.kill(-(server.pid as number));
    await once(server, "exit");
  });
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\/\/localhost:\d+/.exec(stripVTControlCharacters(line))?.[0];
    if (!url) continue;
    server.stdout.resume();
    return url;
  }
  throw new Error(`${serves} does not serve`);
}

/** Somebody new signs in, looks further down, and votes. */
async function lookAt(url: string, name: string, browser: Browser, { pool, lines }: Community): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 400, height: 700 } });
  const page = await context.newPage();
  // Next makes a page when it is asked for the first time
  page.setDefaultTimeout(120_000);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  await page.goto(url, { waitUntil: "networkidle" });
  const email = `${name}@example.com`;
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.getByText("Open the link in your e-mail.").waitFor();
  const printed = () => lines.find((line) => line.startsWith(`${email} signs in by `));
  await eventually(async () => printed() !== undefined, true);
  await page.goto(/http\S+/.exec(printed() ?? "")?.[0] ?? "");
  const cards = page.locator("article");
  const count = (least: number) => eventually(async () => (await cards.count()) >= least, true);
  await count(20);
  if (name === "next") assert.match(await (await context.request.get(url)).text(), /Chess puzzle|Garden bed/);
  await cards.last().scrollIntoViewIfNeeded();
  if (name === "plain") await page.getByRole("button", { name: "More" }).click();
  await count(40);
  const voted = await cards.first().locator("h2").textContent();
  await cards.first().getByRole("button", { name: "Vote" }).click();
  const votes = `select from public.post_votes join public.posts on posts.id = post_id
    where user_id = (select id from auth.users where email = $1) and title = $2`;
  await eventually(async () => (await pool.query(votes, [email, voted])).rowCount, 1);
  assert.deepEqual(wrong, []);
  await context.close();
  console.log(`${name}: signed in, 40 posts and a vote`);
}

/** The client and its types in Deno, by the packages that are installed in a folder. */
function tryInDeno(installed: string): void {
  const script = `import { createClient } from "@supabase/supabase-js";
    import { type Feed, recsys } from "recsys-client";
    const feed: Promise<Feed> = recsys(createClient("http://localhost:1", "key")).recommend({ limit: 2 });
    await feed.catch(({ code }) => console.log(code));`;
  writeFileSync(join(installed, "script.ts"), script);
  const run = ["run", "--check", "--node-modules-dir=manual", "--allow-env", "--allow-net", "script.ts"];
  assert.equal(execFileSync(denoPath(), run, { cwd: installed, encoding: "utf8" }), "unreachable\n");
}
