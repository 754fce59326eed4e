/**
 * `node release/try-examples.ts` runs the commands of each example's README in a copy of the repository, and signs a new user in, in Chromium. They
 * see 20 posts, more further down, and their vote arrives. Needs a PostgreSQL, Chromium and the npm registry; a minute on two quiet cores.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
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
    for (const name of ["plain", "vite-react", "next"]) await tryExample(name, folder, browser, community);
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

/** Runs the commands of an example's README. */
async function tryExample(name: string, folder: string, browser: Browser, community: Community): Promise<void> {
  const example = join(folder, "examples", name);
  const readme = readFileSync(join(example, "README.md"), "utf8");
  const [serves, ...later] = Array.from(readme.matchAll(/^```sh\n(.*?)^```$/gms), ([, block]) => block);
  assert.ok(serves, `${name} has no commands`);
  // it is served on another port than that of `npm start`, which .env and index.html name
  const address = { VITE_SUPABASE_URL: community.gateway.url, NEXT_PUBLIC_SUPABASE_URL: community.gateway.url };
  const env = { ...elsewhere(), ...address, NEXT_TELEMETRY_DISABLED: "1" };
  const server = spawn("sh", ["-ec", serves], {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    process.kill(-(server.pid as number));
    await once(server, "exit");
  };
  scope.after(stop);
  await lookAt(await addressIn(server.stdout), name, browser, community);
  await stop();
  for (const block of later) await outputOf("sh", ["-ec", block], { cwd: example, env });
}

/** The address that a server prints. */
async function addressIn(output: Readable): Promise<string> {
  const printed: string[] = [];
  for await (const line of createInterface(output)) {
    printed.push(line);
    const url = /http:\/\/localhost:\d+/.exec(stripVTControlCharacters(line))?.[0];
    if (!url) continue;
    // later output must not fill the pipe
    output.resume();
    return url;
  }
  throw new Error(`it does not serve:\n${printed.join("\n")}`);
}

/** Signs a new user in, scrolls down and votes. */
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
