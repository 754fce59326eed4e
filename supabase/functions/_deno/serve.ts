/**
 * Deno's side of every function: the environment, the pool, the port.
 *
 * The platform sets SUPABASE_URL, SUPABASE_DB_URL and the API keys. As secrets of the project, DATABASE_URL may name its transaction
 * pooler instead, JWT_SECRET makes the tokens of an older project valid, TOKEN_ISSUERS those of other issuers than SUPABASE_URL's, and
 * ALLOWED_ORIGINS lets only the named websites read the answers. OTEL_EXPORTER_OTLP_ENDPOINT, with OTEL_EXPORTER_OTLP_HEADERS and
 * OTEL_SERVICE_NAME, names a collector that the spans of requests are sent to.
 */
import { openPool } from "../_shared/database/pool.ts";
import { projectApiKeys } from "../_shared/http/api-keys.ts";
import { createVerifier, remembering } from "../_shared/http/auth.ts";
import { createApp, type EdgeFunction } from "../_shared/http/edge-function.ts";
import { type Log, openLog } from "../_shared/http/log.ts";
import { allowedOrigins } from "../_shared/http/origins.ts";
import { openTraces, type Traces } from "../_shared/http/traces.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { openCommonPosts } from "../_shared/recommend/common-posts.ts";
import { impressionLog } from "../_shared/recommend/log-impressions.ts";
import { openShadows } from "../_shared/recommend/shadow/shadows.ts";
import { openStalls } from "../_shared/recommend/stalls.ts";
import { openTopics } from "../_shared/recommend/topics.ts";
import { openTrials } from "../_shared/recommend/trials.ts";

/** Serves a function in this worker. */
export function serve<Input>(edgeFunction: EdgeFunction<Input>): void {
  const log = openLog(edgeFunction.name);
  const platform = (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime;
  const keepAlive = (work: Promise<void>) => platform?.waitUntil(work);
  const auth = `${Deno.env.get("SUPABASE_URL")}/auth/v1`;
  const pool = openPool(databaseUrl(), (error) => log("connection_lost", error));
  const models = modelCache(() => loadRuntime());
  const app = createApp(edgeFunction, {
    pool,
    verify: remembering(
      createVerifier({
        jwksUrl: `${auth}/.well-known/jwks.json`,
        secret: Deno.env.get("JWT_SECRET"),
        issuers: [auth, ...(Deno.env.get("TOKEN_ISSUERS") ?? "").split(/[\s,]+/).filter(Boolean)],
      }),
    ),
    secretKeys: projectApiKeys(Deno.env.get("SUPABASE_SECRET_KEYS"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")),
    publishableKeys: projectApiKeys(Deno.env.get("SUPABASE_PUBLISHABLE_KEYS"), Deno.env.get("SUPABASE_ANON_KEY")),
    origins: allowedOrigins(Deno.env.get("ALLOWED_ORIGINS")),
    models,
    commonPosts: openCommonPosts(),
    trials: openTrials(),
    topics: openTopics(pool, log),
    stalls: openStalls(),
    impressions: impressionLog(pool),
    shadows: openShadows(pool, models),
    log,
    traces: traces(log, keepAlive),
    keepAlive,
  });
  Deno.serve(app.fetch);
}

function traces(log: Log, keepAlive: (work: Promise<void>) => void): Traces | undefined {
  const endpoint = Deno.env.get("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (!endpoint) return undefined;
  const headers = Deno.env.get("OTEL_EXPORTER_OTLP_HEADERS");
  return openTraces({ endpoint, headers, service: Deno.env.get("OTEL_SERVICE_NAME") }, log, keepAlive);
}

function databaseUrl(): string {
  const url = Deno.env.get("DATABASE_URL") ?? Deno.env.get("SUPABASE_DB_URL");
  if (!url) throw new Error("neither DATABASE_URL nor SUPABASE_DB_URL is set");
  return url;
}
