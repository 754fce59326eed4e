/** For tests: Debian's Chromium without windows, driven by Playwright. The whole one, where that is there alone, takes half as much again of a processor. */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { keepUntilEnd } from "./kept.ts";

const places = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const path = process.env.CHROMIUM ?? places.find(existsSync) ?? places[0];

/** For the option `skip` of a test that needs a browser: false, or the reason. */
export const withoutBrowser = existsSync(path) ? false : "needs Chromium: npm run setup:browser, or set CHROMIUM";

export async function startBrowser(): Promise<Browser> {
  // Chromium refuses to be root's in a sandbox, which is whom .ci/run tests as
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  // what stands in for a graphics processor costs 4 % of what the phone's story takes of a processor
  return await chromium.launch({ executablePath: path, args: [...args, "--disable-gpu"] });
}

/** The browser that files of this process share, and the handles that keep the process alive while a file uses it. */
interface KeptBrowser {
  browser: Browser;
  handles: { ref(): unknown; unref(): unknown }[];
}

let kept: Promise<KeptBrowser> | undefined;
let users = 0;

/**
 * The browser of this process, for as long as the scope lasts. Files share it: a context of its own is enough for a test, and a browser that has begun
 * shows its first page in a third of the time. It ends with the process.
 */
export async function keptBrowser(scope: { after(clean: () => Promise<void>): void }): Promise<Browser> {
  users++;
  kept = kept ? kept.then((found) => (found.browser.isConnected() ? found : launchKept())) : launchKept();
  const { browser, handles } = await kept;
  for (const handle of handles) handle.ref();
  scope.after(async () => {
    for (const context of browser.contexts()) await context.close();
    users--;
    if (users === 0) for (const handle of handles) handle.unref();
  });
  return browser;
}

async function launchKept(): Promise<KeptBrowser> {
  const started: ChildProcess[] = [];
  const note = (message: unknown) => void started.push((message as { process: ChildProcess }).process);
  // Playwright exposes no handle of its child process
  subscribe("child_process", note);
  const browser = await startBrowser().finally(() => unsubscribe("child_process", note));
  keepUntilEnd(() => browser.close());
  const handles = started.flatMap((child) => [child, ...child.stdio.filter((pipe) => pipe instanceof Socket)]);
  return { browser, handles };
}

/** A page of its own, with what went wrong in it: errors, and requests to other places than `origin`. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; wrong: string[] }> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // a page that comes takes milliseconds, and on a busy machine (load 25 on two processors) more than 10 s
  page.setDefaultTimeout(60_000);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error.stack)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) wrong.push(`asks ${url.origin}`);
  });
  return { page, wrong };
}
