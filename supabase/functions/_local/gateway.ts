/**
 * The local stand-in for a Supabase project: every Edge Function under /functions/v1/<name>, and the public keys of the
 * local signing key under /auth/v1/.well-known/jwks.json. The functions' own index.ts run unchanged, in this one process.
 *
 * Reads from the environment: PORT, SUPABASE_DB_URL, SUPABASE_PUBLISHABLE_KEYS, SUPABASE_SECRET_KEYS, LOCAL_JWKS (a JSON Web Key Set).
 * Says {"listening": port} on standard output when it serves, and ends when its standard input does, so that it never outlives the
 * process that started it.
 */
import { Hono } from "hono";

type Handler = (request: Request) => Response | Promise<Response>;

const functions = new Map<string, Handler>();
const gateway = new Hono();

gateway.get("/health", (c) => c.json({ functions: [...functions.keys()] }));
gateway.get("/auth/v1/.well-known/jwks.json", (c) => c.json(JSON.parse(Deno.env.get("LOCAL_JWKS") ?? '{"keys":[]}')));
gateway.all("/functions/v1/:name{[a-z0-9_-]+}/*", (c) => {
  const handler = functions.get(c.req.param("name"));
  if (!handler) return c.notFound();
  const url = new URL(c.req.url);
  url.pathname = url.pathname.slice("/functions/v1".length);
  return handler(new Request(url, c.req.raw));
});
gateway.notFound((c) => c.json({ error: { code: "not_found", message: "no such function" } }, 404));

// the port first: the functions fetch the public keys from here
const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 54321), onListen: () => undefined },
  gateway.fetch,
);
Deno.env.set("SUPABASE_URL", `http://127.0.0.1:${server.addr.port}`);
// as with the Supabase CLI, apps know the project by another address than its functions
Deno.env.set("TOKEN_ISSUERS", `http://localhost:${server.addr.port}/auth/v1`);

// as on the platform: work that an answer did not wait for keeps the process alive
const background = new Set<Promise<unknown>>();
Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(work: Promise<unknown>) {
      background.add(work);
      work.catch(() => undefined).finally(() => background.delete(work));
    },
  },
});

// the platform gives each function a process of its own; here their Deno.serve hands us the handler instead
for (const name of await functionNames()) {
  Object.defineProperty(Deno, "serve", {
    configurable: true,
    value: (handler: Handler) => functions.set(name, handler),
  });
  await import(new URL(`../${name}/index.ts`, import.meta.url).href);
}
console.log(JSON.stringify({ listening: server.addr.port }));

for await (const _ of Deno.stdin.readable);
const patience = new Promise((over) => setTimeout(over, 3_000));
await Promise.race([server.shutdown().then(() => Promise.allSettled(background)), patience]);
Deno.exit(0);

async function functionNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL("..", import.meta.url)))
    if (entry.isDirectory && !entry.name.startsWith("_")) names.push(entry.name);
  return names.sort();
}
