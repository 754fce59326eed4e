/** Deno's side of the function: the environment, the pool, the port. */
import { createVerifier } from "../_shared/auth.ts";
import { loadRuntime } from "../_shared/inference.ts";
import { modelCache } from "../_shared/models.ts";
import { openPool } from "../_shared/pool.ts";
import { createApp } from "./app.ts";

const log = (code: string, cause: unknown) => console.error(JSON.stringify({ function: "recommend", code }), cause);
const platform = (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime;

const app = createApp({
  pool: openPool(Deno.env.get("SUPABASE_DB_URL") ?? "", (error) => log("connection_lost", error)),
  verify: createVerifier({
    jwksUrl: `${Deno.env.get("SUPABASE_URL")}/auth/v1/.well-known/jwks.json`,
    secret: Deno.env.get("JWT_SECRET"),
  }),
  models: modelCache(() => loadRuntime()),
  log,
  afterAnswer: (work) => platform?.waitUntil(work),
});

Deno.serve(app.fetch);
