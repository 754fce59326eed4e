import type { ClientBase } from "pg";
import type { UserRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import { externalUuid } from "./external-id.ts";
import type { Written } from "./import-part.ts";

/** Inserts users, `uuids[i]` being that of `users[i]`, with their projects, and updates those whose texts differ. */
export async function insertUsers(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<Written> {
  const { rows } = await client.query<{ id: string; is_new: boolean }>(
    `insert into public.profiles as profile (id, external_id, passions, bio, created_at)
    select id, external_id, passions::text[], bio, created_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as rows (id, external_id, passions, bio, created_at)
    on conflict (id) do update set passions = excluded.passions, bio = excluded.bio
      where (profile.passions, profile.bio) is distinct from (excluded.passions, excluded.bio)
    -- an inserted row has never been locked or updated
    returning id, xmax = 0 as is_new`,
    [
      plainArray(uuids),
      textArray(users.map((user) => user.id)),
      textArray(users.map((user) => textArray(user.passions))),
      textArray(users.map((user) => user.bio)),
      plainArray(users.map((user) => user.created_at)),
    ],
  );
  const added = new Set(rows.filter((row) => row.is_new).map(({ id }) => id));
  const changed = new Set([...rows.map(({ id }) => id), ...(await writeProjects(client, users, uuids))]);
  return { added: added.size, updated: changed.size - added.size };
}

/**
 * Inserts projects and deletes those that an earlier import brought and this one no longer names; a project that its
 * owner made in the app stays. Resolves to the owners of both.
 */
async function writeProjects(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<string[]> {
  const projects = users.flatMap((user, i) =>
    user.projects.map((title) => ({ id: projectId(uuids[i], title), owner: uuids[i], title, at: user.created_at })),
  );
  const existing = await client.query<{ id: string; owner_id: string; title: string }>(
    "select id, owner_id, title from public.projects where owner_id = any($1::uuid[])",
    [plainArray(uuids)],
  );
  const named = new Set(projects.map(({ id }) => id));
  const dropped = existing.rows.filter(
    ({ id, owner_id, title }) => !named.has(id) && id === projectId(owner_id, title),
  );
  if (dropped.length > 0)
    await client.query("delete from public.projects where id = any($1::uuid[])", [
      plainArray(dropped.map(({ id }) => id)),
    ]);
  if (projects.length === 0) return dropped.map(({ owner_id }) => owner_id);
  const added = await client.query<{ owner_id: string }>(
    `insert into public.projects (id, owner_id, title, created_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
    on conflict do nothing
    returning owner_id`,
    [
      plainArray(projects.map(({ id }) => id)),
      plainArray(projects.map(({ owner }) => owner)),
      textArray(projects.map(({ title }) => title)),
      plainArray(projects.map(({ at }) => at)),
    ],
  );
  return [...dropped, ...added.rows].map(({ owner_id }) => owner_id);
}

function projectId(owner: string, title: string): string {
  return externalUuid("project", `${owner}:${title}`);
}
