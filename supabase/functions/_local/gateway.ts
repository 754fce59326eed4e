/**
 * Local stand-in for a Supabase project. It runs the unchanged Edge Functions in one process under
 * /functions/v1/<name>, and serves the local signing key's public key under /auth/v1/.well-known/jwks.json. For the
 * pages of web/ it adds Auth and REST: auth-stand-in.ts, rest.ts, members.ts.
 *
 * Environment variables:
 * - PORT, SUPABASE_DB_URL, SUPABASE_PUBLISHABLE_KEYS, SUPABASE_SECRET_KEYS
 * - LOCAL_JWKS: a JSON Web Key Set
 * - ONLY_FUNCTION: name of the only function to serve
 * - SITE_FOLDER: the built pages
 * - LOCAL_SIGNING_KEY: a private JSON Web Key; without it only the console is served
 *
 * It prints {"listening": port} once it serves, and ends when its standard input ends, so it does not outlive its
 * parent process. Standard input carries the progress of the first training (first-training.ts).
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { importJWK, type JWK } from "jose";
import type { Pool } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { projectApiKeys } from "../_shared/http/api-keys.ts";
import { createVerifier } from "../_shared/http/auth.ts";
import { authStandIn } from "./auth-stand-in.ts";
import { clockShift } from "./clock-shift.ts";
import { firstTraining } from "./first-training.ts";
import { guard } from "./guard.ts";
import { membersPage } from "./members.ts";
import { restStandIn } from "./rest.ts";
import { sitePages } from "./site.ts";

type Handler = (request: Request) => Response | Promise<Response>;

const functions = new Map<string, Handler>();
const gateway = new Hono();

gateway.use("/functions/*", guard("machine"));
gateway.get("/health", (c) => c.json({ functions: [...functions.keys()] }));
// the memory that the platform counts for a worker: V8's used heap plus external
// memory (supabase/edge-runtime, MemCheck)
gateway.get("/memory", (c) => {
  const { heapUsed, external } = Deno.memoryUsage();
  return c.json({ counted: heapUsed + external });
});
gateway.get("/auth/v1/.well-known/jwks.json", (c) => c.json(JSON.parse(Deno.env.get("LOCAL_JWKS") ?? '{"keys":[]}')));
gateway.all("/functions/v1/:name{[a-z0-9_-]+}/*", (c) => {
  const handler = functions.get(c.req.param("name"));
  if (!handler) return c.notFound();
  const url = new URL(c.req.url);
  url.pathname = url.pathname.slice("/functions/v1".length);
  return handler(new Request(url, c.req.raw));
});
gateway.notFound((c) => c.json({ error: { code: "not_found", message: "no such function" } }, 404));

const mounted = Promise.withResolvers<void>();
// Listens first, since functions need the port. Requests wait until all routes exist:
// Hono adds none after its first request.
const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 54321), onListen: () => undefined },
  async (request) => {
    await mounted.promise;
    return gateway.fetch(request);
  },
);
Deno.env.set("SUPABASE_URL", `http://127.0.0.1:${server.addr.port}`);
// as with the Supabase CLI, apps and functions use different addresses of the project
Deno.env.set("TOKEN_ISSUERS", `http://localhost:${server.addr.port}/auth/v1`);

// as on the platform, background work keeps the process alive
const background = new Set<Promise<unknown>>();
Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(work: Promise<unknown>) {
      background.add(work);
      work.catch(() => undefined).finally(() => background.delete(work));
    },
  },
});

// the package has compiled .js files
const suffix = import.meta.url.endsWith(".ts") ? "ts" : "js";
// On the platform each function has its own process; here a replaced Deno.serve collects the handlers.
for (const name of await functionNames()) {
  Object.defineProperty(Deno, "serve", {
    configurable: true,
    value: (handler: Handler) => functions.set(name, handler),
  });
  await import(new URL(`../${name}/index.${suffix}`, import.meta.url).href);
}
const training = firstTraining();
const siteFolder = Deno.env.get("SITE_FOLDER");
const signingKey = Deno.env.get("LOCAL_SIGNING_KEY");
if (siteFolder) {
  const publishableKeys = projectApiKeys(Deno.env.get("SUPABASE_PUBLISHABLE_KEYS"), undefined);
  const project = `http://localhost:${server.addr.port}`;
  const pool = signingKey && (await mountStandIns(JSON.parse(signingKey), publishableKeys, project));
  gateway.use(guard("page"));
  if (pool) gateway.route("/local/members", membersPage(pool));
  if (pool) gateway.route("/local/first-training", training.route);
  const config = async (url: string) => ({
    url,
    key: publishableKeys[0],
    members: true,
    clockShift: pool ? await clockShift(pool) : 0,
  });
  const file = (path: string) =>
    Deno.readFile(`${siteFolder}/${path}`).then(
      ({ buffer }) => buffer as ArrayBuffer,
      () => undefined,
    );
  gateway.route("/", sitePages({ file, config, below: signingKey ? "" : "console/" }));
}
mounted.resolve();
console.log(JSON.stringify({ listening: server.addr.port }));

await training.read(Deno.stdin.readable);
const patience = new Promise((over) => setTimeout(over, 3_000));
await Promise.race([server.shutdown().then(() => Promise.allSettled(background)), patience]);
Deno.exit(0);

/**
 * Mounts the stand-ins for Auth and REST, and returns their connection pool. `project`: the address of the functions.
 */
async function mountStandIns(jwk: JWK, publishableKeys: string[], project: string): Promise<Pool> {
  const { d: _, ...publicJwk } = jwk;
  const key = {
    keyId: jwk.kid ?? "",
    privateKey: (await importJWK(jwk, "ES256")) as CryptoKey,
    publicKey: (await importJWK(publicJwk, "ES256")) as CryptoKey,
  };
  const pool = openPool(Deno.env.get("SUPABASE_DB_URL") ?? "", () => undefined);
  const verify = createVerifier({
    jwksUrl: `${Deno.env.get("SUPABASE_URL")}/auth/v1/.well-known/jwks.json`,
    issuers: [`${project}/auth/v1`],
  });
  // CORS for any origin, as on the platform; an app in development needs it
  for (const path of ["/auth/v1/*", "/rest/v1/*"]) gateway.use(path, guard("machine"), cors());
  gateway.route("/auth/v1", authStandIn(pool, key, project));
  gateway.route("/rest/v1", restStandIn(pool, verify, publishableKeys));
  return pool;
}

async function functionNames(): Promise<string[]> {
  const only = Deno.env.get("ONLY_FUNCTION");
  if (only) return [only];
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL("..", import.meta.url)))
    if (entry.isDirectory && !entry.name.startsWith("_")) names.push(entry.name);
  return names.sort();
}
