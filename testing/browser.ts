/** For tests: Debian's Chromium without windows, driven by Playwright. The whole one, where that is there alone, takes half as much again of a processor. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

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
