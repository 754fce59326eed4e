/** Serves the pages in web/, as built by web/build.ts, on this machine. */
import { type Context, Hono } from "hono";

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
};

/** Content security policy: pages load only from here and cannot be framed. The console's plots need inline styles. */
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
  /** A file of the site by its path; undefined if there is none. */
  file(path: string): Promise<ArrayBuffer | undefined>;
  /** The content of config.json: the project of the pages, by the address that they were loaded from. */
  config(origin: string): Promise<object>;
  /** Only files below this path are served; "" for all. */
  below: string;
}

/** Serves the site; a path that ends in / is its index.html. */
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
