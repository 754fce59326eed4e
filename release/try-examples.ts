/**
 * `node release/try-examples.ts`: each example as its reader has it. Copied into an empty folder with the client as npm would bring it, installed,
 * built, and driven in Chromium over the functions: 20 posts, more of them further down, and a vote that arrives. Needs a PostgreSQL,
 * Chromium and the npm registry; half a minute on two quiet cores.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BrowserContext } from "playwright-core";
import { eventually } from "../client/testing-app.ts";
import type { Scope } from "../db/testing.ts";
import { denoPath } from "../serve/gateway.ts";
import { startBrowser } from "../testing/browser.ts";
import { servedCommunity } from "../web/testing/community.ts";
import { packClient, root } from "./packed.ts";
import { examplePage, newReader, routeModules, serveFolder, sessionKey, signInStorage } from "./plain-page.ts";

const folder = mkdtempSync(join(tmpdir(), "recsys-examples-"));
const cleanings: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
const scope = { after: (clean: () => unknown) => cleanings.unshift(clean) } as Scope;

/** A served example, and how its pages become somebody's. */
interface Served {
  url: string;
  signIn(context: BrowserContext, session: string): Promise<unknown>;
}

try {
  await tryAll();
} finally {
  for (const clean of cleanings) await clean();
}

async function tryAll(): Promise<void> {
  const { gateway, pool } = await servedCommunity(scope, "examples");
  await packClient(folder);
  const inCookie = (context: BrowserContext, session: string) =>
    context.addCookies([
      { name: sessionKey, value: `base64-${Buffer.from(session).toString("base64url")}`, url: "http://localhost" },
    ]);
  const settings = { SUPABASE_URL: gateway.url, SUPABASE_PUBLISHABLE_KEY: gateway.publishableKey };

  const examples: Record<string, () => Promise<Served>> = {
    async plain() {
      writeFileSync(join(folder, "index.html"), examplePage(settings));
      return {
        url: await serveFolder(scope, folder),
        signIn: async (context, session) => [
          await signInStorage(context, session),
          await routeModules(context, root, { "recsys-client": join(root, "client/src/index.ts") }),
        ],
      };
    },
    async "vite-react"() {
      const copy = install("vite-react", "VITE_", settings);
      tryInDeno(copy);
      return { url: await serveFolder(scope, join(copy, "dist")), signIn: signInStorage };
    },
    async next() {
      const copy = install("next", "NEXT_PUBLIC_", settings);
      const server = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "--port", "0"], {
        cwd: copy,
      });
      scope.after(async () => {
        server.kill();
        await once(server, "exit");
      });
      for await (const line of createInterface(server.stdout)) {
        const url = /http:\/\/localhost:\d+/.exec(line)?.[0];
        if (url) return { url, signIn: inCookie };
      }
      throw new Error("next start does not serve");
    },
  };

  const browser = await startBrowser();
  scope.after(() => browser.close());
  for (const [name, start] of Object.entries(examples)) {
    const { url, signIn } = await start();
    const { reader, session } = await newReader(pool, gateway);
    const context = await browser.newContext({ viewport: { width: 400, height: 700 } });
    await signIn(context, session);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(String(error)));
    if (name === "next") assert.match(await (await context.request.get(url)).text(), /Chess puzzle|Garden bed/);
    await page.goto(url);
    const cards = page.locator("article");
    const count = (least: number) => eventually(async () => (await cards.count()) >= least, true);
    await count(20);
    await cards.last().scrollIntoViewIfNeeded();
    if (name === "plain") await page.getByRole("button", { name: "More" }).click();
    await count(40);
    const voted = await cards.first().locator("h2").textContent();
    await cards.first().getByRole("button", { name: "Vote" }).click();
    const votes =
      "select from public.post_votes join public.posts on posts.id = post_id where user_id = $1 and title = $2";
    await eventually(async () => (await pool.query(votes, [reader, voted])).rowCount, 1);
    assert.deepEqual(wrong, []);
    await context.close();
    console.log(`${name}: 40 posts and a vote`);
  }
}

/** A copy of an example with everything it needs, built for a project. */
function install(name: string, prefix: string, settings: Record<string, string>): string {
  const copy = join(folder, name);
  cpSync(join(root, "examples", name), copy, { recursive: true });
  const manifest = join(copy, "package.json");
  const client = JSON.parse(readFileSync(join(root, "client/package.json"), "utf8"));
  const { dependencies, ...rest } = JSON.parse(readFileSync(manifest, "utf8"));
  assert.equal(dependencies[client.name], client.version);
  const packed = { ...dependencies, [client.name]: `file:${join(folder, `${client.name}-${client.version}.tgz`)}` };
  writeFileSync(manifest, JSON.stringify({ ...rest, dependencies: packed }));
  const lines = Object.entries(settings).map(([key, value]) => `${prefix}${key}=${value}\n`);
  writeFileSync(join(copy, ".env.local"), lines.join(""));
  const run = (...args: string[]) =>
    execFileSync("npm", args, {
      cwd: copy,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
    });
  run("install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
  run("run", "build");
  return copy;
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
