/**
 * Deno's part of every function: authentication, logging, CORS and the port; project-pool.ts adds the database.
 *
 * The platform sets SUPABASE_URL and the API keys. Optional secrets of the project:
 * - JWT_SECRET: accepts the tokens of a legacy project
 * - TOKEN_ISSUERS: accepts further token issuers besides SUPABASE_URL's
 * - ALLOWED_ORIGINS: the websites that may read answers
 * - OTEL_EXPORTER_OTLP_ENDPOINT, with OTEL_EXPORTER_OTLP_HEADERS and OTEL_SERVICE_NAME: the collector of spans
 */
import { projectApiKeys } from "../_shared/http/api-keys.ts";
import { createVerifier, withTokenCache } from "../_shared/http/auth.ts";
import { createApp, type EdgeFunction } from "../_shared/http/edge-function.ts";
import { createLogger, type Log } from "../_shared/http/log.ts";
import { allowedOrigins } from "../_shared/http/origins.ts";
import { createTraceExporter, type Traces } from "../_shared/http/traces.ts";

/** Serves a function in this worker; `open` opens its services. */
export function serve<Input, Services>(
  edgeFunction: EdgeFunction<Input, Services>,
  open: (log: Log) => Services,
): void {
  const log = createLogger(edgeFunction.name);
  const platform = (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime;
  const keepAlive = (work: Promise<void>) => platform?.waitUntil(work);
  const auth = `${Deno.env.get("SUPABASE_URL")}/auth/v1`;
  const app = createApp(edgeFunction, {
    ...open(log),
    verify: withTokenCache(
      createVerifier({
        jwksUrl: `${auth}/.well-known/jwks.json`,
        secret: Deno.env.get("JWT_SECRET"),
        issuers: [auth, ...(Deno.env.get("TOKEN_ISSUERS") ?? "").split(/[\s,]+/).filter(Boolean)],
      }),
    ),
    secretKeys: projectApiKeys(Deno.env.get("SUPABASE_SECRET_KEYS"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")),
    publishableKeys: projectApiKeys(Deno.env.get("SUPABASE_PUBLISHABLE_KEYS"), Deno.env.get("SUPABASE_ANON_KEY")),
    origins: allowedOrigins(Deno.env.get("ALLOWED_ORIGINS")),
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
  return createTraceExporter({ endpoint, headers, service: Deno.env.get("OTEL_SERVICE_NAME") }, log, keepAlive);
}
