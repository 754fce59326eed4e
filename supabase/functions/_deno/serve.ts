/**
 * Deno's side of every function: the environment, the pool, the port.
 *
 * The platform sets SUPABASE_URL, SUPABASE_DB_URL and the secret keys. As secrets of the project, DATABASE_URL may name its transaction
 * pooler instead, and JWT_SECRET makes the tokens of an older project valid.
 */
import { openPool } from "../_shared/database/pool.ts";
import { createVerifier } from "../_shared/http/auth.ts";
import { createApp, type EdgeFunction } from "../_shared/http/edge-function.ts";
import { logFailure } from "../_shared/http/log.ts";
import { secretKeys } from "../_shared/http/secret-key.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { openPostStates } from "../_shared/recommend/post-states.ts";

/** Serves a function in this worker. */
export function serve<Input>(edgeFunction: EdgeFunction<Input>): void {
  const log = (code: string, cause: unknown) => logFailure(edgeFunction.name, code, cause);
  const platform = (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime;
  const app = createApp(edgeFunction, {
    pool: openPool(databaseUrl(), (error) => log("connection_lost", error)),
    verify: createVerifier({
      jwksUrl: `${Deno.env.get("SUPABASE_URL")}/auth/v1/.well-known/jwks.json`,
      secret: Deno.env.get("JWT_SECRET"),
    }),
    secretKeys: secretKeys(Deno.env.get("SUPABASE_SECRET_KEYS"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")),
    models: modelCache(() => loadRuntime()),
    postStates: openPostStates(),
    log,
    keepAlive: (work) => platform?.waitUntil(work),
  });
  Deno.serve(app.fetch);
}

function databaseUrl(): string {
  const url = Deno.env.get("DATABASE_URL") ?? Deno.env.get("SUPABASE_DB_URL");
  if (!url) throw new Error("neither DATABASE_URL nor SUPABASE_DB_URL is set");
  return url;
}
