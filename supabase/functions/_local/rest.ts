/**
 * Stand-in for PostgREST at /rest/v1, for a local database without it: requests of the pages on the app's tables, under
 * the caller's role and row level security.
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Pool } from "../_shared/database/database.ts";
import type { Verify } from "../_shared/http/auth.ts";
import { AppError, toAppError } from "../_shared/http/errors.ts";
import { callerOf, runAs } from "./as-caller.ts";
import { NotSpoken, statementOf } from "./rest-statement.ts";

/** `publishableKeys`: the keys that identify visitors. */
export function restStandIn(pool: Pool, verify: Verify, publishableKeys: readonly string[]): Hono {
  const rest = new Hono();
  rest.use(bodyLimit({ maxSize: 256 * 1024 }));
  rest.all("/:table", async (c) => {
    const { raw } = c.req;
    const caller = await callerOf(raw, `/${c.req.param("table")}`, verify, publishableKeys);
    const preferred = raw.headers.get("prefer") ?? "";
    const returns = raw.method === "GET" || preferred.includes("return=representation");
    const request = {
      method: raw.method,
      table: c.req.param("table"),
      query: new URL(raw.url).searchParams,
      body: await c.req.text(),
      returns,
      passesOver: preferred.includes("resolution=ignore-duplicates"),
    };
    const [{ body }] = await runAs(pool, caller, statementOf(request));
    if (!returns) return c.body(null, raw.method === "POST" ? 201 : 204);
    return c.json(body, raw.method === "POST" ? 201 : 200);
  });
  rest.notFound((c) => c.json(failure("PGRST125", "there is nothing here"), 404));
  rest.onError((thrown, c) => {
    if (thrown instanceof NotSpoken) return c.json(failure("PGRST100", thrown.message), 400);
    if (thrown instanceof AppError) return c.json(failure(thrown.code, thrown.message), thrown.status as 401);
    const { code, message } = thrown as { code?: string; message: string };
    const status = statusOf(code);
    if (status) return c.json(failure(code as string, message), status);
    const error = toAppError(thrown);
    return c.json(failure(error.code, error.message), error.status as 503);
  });
  return rest;
}

function failure(code: string, message: string) {
  return { code, message, details: null, hint: null };
}

/** PostgREST's status for an error code; undefined if the request is not the cause. */
function statusOf(code = ""): 400 | 403 | 409 | undefined {
  if (code === "42501") return 403;
  if (code === "23503" || code === "23505") return 409;
  return /^(22|23|42|54)/.test(code) ? 400 : undefined;
}
