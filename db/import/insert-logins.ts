import type { ClientBase } from "pg";
import type { LoginRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";

/** Inserts logins, `users[i]` being the uuid of the user of `logins[i]`; resolves to the number that were new. */
export async function insertLogins(client: ClientBase, logins: LoginRecord[], users: string[]): Promise<Written> {
  const added = await client.query(
    `insert into public.logins (user_id, created_at)
    select * from unnest($1::uuid[], $2::timestamptz[])
    on conflict do nothing`,
    [plainArray(users), plainArray(logins.map(({ created_at }) => created_at))],
  );
  return { added: added.rowCount ?? 0, updated: 0 };
}
