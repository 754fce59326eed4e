import type { ClientBase } from "pg";
import type { UserRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import { externalUuid } from "./external-id.ts";

/** Inserts users, `uuids[i]` being that of `users[i]`, and their projects; resolves to the number of users that were new. */
export async function insertUsers(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<number> {
  const added = await client.query(
    `insert into public.profiles (id, external_id, passions, bio, created_at)
    select id, external_id, passions::text[], bio, created_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as rows (id, external_id, passions, bio, created_at)
    on conflict do nothing`,
    [
      plainArray(uuids),
      textArray(users.map((user) => user.id)),
      textArray(users.map((user) => textArray(user.passions))),
      textArray(users.map((user) => user.bio)),
      plainArray(users.map((user) => user.created_at)),
    ],
  );
  const projects = users.flatMap((user, i) =>
    user.projects.map((title) => ({ owner: uuids[i], title, created_at: user.created_at })),
  );
  if (projects.length > 0) {
    await client.query(
      `insert into public.projects (id, owner_id, title, created_at)
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
      on conflict do nothing`,
      [
        plainArray(projects.map(({ owner, title }) => externalUuid("project", `${owner}:${title}`))),
        plainArray(projects.map(({ owner }) => owner)),
        textArray(projects.map(({ title }) => title)),
        plainArray(projects.map(({ created_at }) => created_at)),
      ],
    );
  }
  return added.rowCount ?? 0;
}
