/** Reads as a member or visitor of the app would. */
import type { ClientBase } from "pg";

/** Whose policies hold: the claims of their token. */
interface Claims {
  role: "authenticated" | "anon";
  sub?: string;
}

/** Runs `work` in a read-only transaction on one snapshot, under a role and the claims of a token, as PostgREST sets them for a request without headers. */
export async function readingAs<Result>(
  client: ClientBase,
  claims: Claims,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query("begin isolation level repeatable read read only");
  try {
    await client.query(
      "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('request.headers', '{}', true)",
      [claims.role, JSON.stringify(claims)],
    );
    return await work();
  } finally {
    await client.query("rollback");
  }
}
