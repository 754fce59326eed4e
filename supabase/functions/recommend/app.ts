/** `POST /recommend {limit?}` or `GET /recommend?limit=`: the caller's personal feed. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { writeAs } from "../_shared/database/caller.ts";
import type { Pool } from "../_shared/database/database.ts";
import { bearerToken, type Claims, type Verify } from "../_shared/http/auth.ts";
import { AppError, asAppError } from "../_shared/http/errors.ts";
import type { ModelCache } from "../_shared/models/models.ts";
import { logImpressions } from "../_shared/recommend/log-impressions.ts";
import { type Recommendation, recommend } from "../_shared/recommend/recommend.ts";
import { limitOfBody, limitOfQuery } from "./limit.ts";

export interface Dependencies {
  pool: Pool;
  verify: Verify;
  models: ModelCache;
  /** What went wrong, for the operator: the code that the caller got, and the cause. */
  log: (code: string, cause: unknown) => void;
  /** Keeps the worker alive for work that the answer does not wait for. */
  afterAnswer: (work: Promise<void>) => void;
}

/** Every part of a request has a shorter limit of its own; this one is for what nobody foresaw. */
const deadline = 15_000;

/** The function as a Hono app; it serves whatever hands it requests. */
export function createApp(dependencies: Dependencies): Hono {
  const app = new Hono({ strict: false }).basePath("/recommend");
  app.use(cors({ origin: "*", allowMethods: ["GET", "POST"], maxAge: 86_400 }));
  app.use(
    timeout(deadline, new HTTPException(504, { cause: new AppError(504, "timeout", "this took too long; try again") })),
  );
  const small = bodyLimit({ maxSize: 16 * 1024, onError: tooLarge });

  app.get("/", async (c) => {
    const claims = await dependencies.verify(bearerToken(c.req.header("authorization")));
    return c.json(await answer(dependencies, claims, limitOfQuery(c.req.queries("limit"))), 200, noStore);
  });
  app.post("/", small, async (c) => {
    const claims = await dependencies.verify(bearerToken(c.req.header("authorization")));
    return c.json(await answer(dependencies, claims, limitOfBody(await c.req.text())), 200, noStore);
  });
  app.all("/", () => {
    throw new AppError(405, "method_not_allowed", "call this with POST, or with GET");
  });
  app.notFound(() => failure(new AppError(404, "not_found", "there is nothing here: call /recommend")));
  app.onError((thrown) => {
    const error = asAppError(thrown instanceof HTTPException ? thrown.cause : thrown);
    if (error.status >= 500) dependencies.log(error.code, error.cause ?? error);
    return failure(error);
  });
  return app;
}

const noStore = { "cache-control": "no-store" };

async function answer(dependencies: Dependencies, claims: Claims, limit: number) {
  const recommendation = await recommend(dependencies, claims, limit);
  dependencies.afterAnswer(keep(dependencies, claims, recommendation));
  return recommendation.feed;
}

/** Best effort: an impression that cannot be logged must not cost the user their feed. */
async function keep({ pool, log }: Dependencies, claims: Claims, recommendation: Recommendation): Promise<void> {
  if (recommendation.feed.items.length === 0) return;
  try {
    await writeAs(pool, claims, logImpressions(recommendation, claims.sub));
  } catch (error) {
    log("impressions_lost", error);
  }
}

function tooLarge(): never {
  throw new AppError(413, "body_too_large", "the body is larger than 16 KB");
}

function failure(error: AppError): Response {
  const headers: Record<string, string> = { ...noStore };
  if (error.status === 401) headers["www-authenticate"] = "Bearer";
  if (error.status === 405) headers.allow = "GET, POST, OPTIONS";
  if (error.status === 503) headers["retry-after"] = "5";
  return Response.json({ error: { code: error.code, message: error.message } }, { status: error.status, headers });
}
