/** Runs one statement in a transaction under the caller's role, as PostgREST does. */

import { type Pool, type Query, run } from "../_shared/database/database.ts";
import { type Identity, visitor } from "../_shared/database/run-as-caller.ts";
import { isVisitor } from "../_shared/http/api-keys.ts";
import { bearerToken, type Verify } from "../_shared/http/auth.ts";
import { type CallerRequest, request, requestOfCaller } from "../_shared/http/caller-request.ts";

export type Caller = Identity & { [request]: CallerRequest };

/** Identifies the caller: a user by their token, or a visitor by a publishable key. Throws AppError 401. */
export async function callerOf(
  { method, headers }: Request,
  path: string,
  verify: Verify,
  publishableKeys: readonly string[],
): Promise<Caller> {
  const sent = requestOfCaller({ method, headers }, path);
  if (isVisitor(headers, publishableKeys)) return { ...visitor, [request]: sent };
  return { ...(await verify(bearerToken(headers.get("authorization") ?? undefined))), [request]: sent };
}

/** Runs and commits a statement under the caller's role; returns its rows. */
export async function runAs<Row>(pool: Pool, caller: Caller, statement: Query<Row>): Promise<Row[]> {
  return await inTransaction(pool, caller, statement);
}

/** The same with the owner's rights, as Supabase Auth has them. */
export async function runAsOwner<Row>(pool: Pool, statement: Query<Row>): Promise<Row[]> {
  return await inTransaction(pool, undefined, statement);
}

async function inTransaction<Row>(pool: Pool, caller: Caller | undefined, statement: Query<Row>): Promise<Row[]> {
  const connection = await pool.connect();
  let broken = false;
  try {
    await connection.query("begin");
    if (caller) {
      const { method, path, headers } = caller[request];
      await connection.query(
        `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('statement_timeout', '5s', true),
          set_config('request.headers', $3, true), set_config('request.method', $4, true), set_config('request.path', $5, true)`,
        [caller.role, JSON.stringify(caller), JSON.stringify(headers), method, path],
      );
    }
    const rows = await run(connection, statement);
    await connection.query("commit");
    return rows;
  } catch (error) {
    await connection.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    connection.release(broken);
  }
}
