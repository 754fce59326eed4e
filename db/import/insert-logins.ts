import type { ClientBase } from "pg";
import { execute } from "../../supabase/functions/_shared/database/database.ts";
import { insertRows } from "../../supabase/functions/_shared/database/query.ts";
import type { LoginRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";

/** Inserts logins, `users[i]` being the uuid of the user of `logins[i]`; resolves to the number that were new. */
export async function insertLogins(client: ClientBase, logins: LoginRecord[], users: string[]): Promise<Written> {
  const rows = insertRows("public.logins", {
    user_id: ["uuid", plainArray(users)],
    created_at: ["timestamptz", plainArray(logins.map(({ created_at }) => created_at))],
  });
  const added = await execute(
    client,
    rows.onConflict((row) => row.doNothing()),
  );
  return { added, updated: 0 };
}
