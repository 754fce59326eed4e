/** The pages in web/, as built by web/build.ts, from this machine. */
import { type Context, Hono } from "hono";

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
};

/** What a page may load and who may show it in a frame: from here, and nobody. The console's plots write styles of their own. */
const policyOf = (path: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    path.startsWith("console/") ? "style-src 'self' 'unsafe-inline'" : "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

const headers = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

export interface Site {
  /** A file of the site by its path; undefined: there is none. */
  file(path: string): Promise<ArrayBuffer | undefined>;
  /** What the pages read at config.json: which project is theirs, by the address under which it was reached. */
  config(origin: string): Promise<object>;
  /** Only what is below this path is served; "": all of it. */
  below: string;
}

/** A path that ends in / is the index.html there. */
export function sitePages({ file, config, below }: Site): Hono {
  const pages = new Hono();
  pages.get("/config.json", async (c) => c.json(await config(new URL(c.req.url).origin), 200, headers));
  pages.get("*", async (c: Context) => {
    const { pathname } = new URL(c.req.url);
    const path = `${pathname.slice(1)}${pathname.endsWith("/") ? "index.html" : ""}`;
    const [, extension] = /^[a-z0-9/-]+\.([a-z]+)$/.exec(path) ?? [];
    const isServed = path.startsWith(below) && extension && types[extension];
    const body = isServed ? await file(path) : undefined;
    if (!body) return c.notFound();
    const contentType = types[extension as string];
    return c.body(body, 200, { ...headers, "content-security-policy": policyOf(path), "content-type": contentType });
  });
  return pages;
}
