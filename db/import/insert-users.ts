import type { ClientBase } from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { anyOf, db, insertRows } from "../../supabase/functions/_shared/database/query.ts";
import type { UserRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";
import { externalUuid } from "./known-ids.ts";
import { updateChanged } from "./upsert.ts";

/** Inserts users, `uuids[i]` being that of `users[i]`, with their projects, and updates those whose texts differ. */
export async function insertUsers(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<Written> {
  const written = insertRows("public.profiles", {
    id: ["uuid", plainArray(uuids)],
    external_id: ["text", textArray(users.map((user) => user.id))],
    passions: ["text[]", textArray(users.map((user) => textArray(user.passions)))],
    bio: ["text", textArray(users.map((user) => user.bio))],
    created_at: ["timestamptz", plainArray(users.map((user) => user.created_at))],
  });
  const rows = await run(client, updateChanged(written, "public.profiles", ["passions", "bio"]));
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
  const ofTheirs = db.selectFrom("public.projects").select(["id", "owner_id", "title"]);
  const existing = await run(client, ofTheirs.where("owner_id", "=", anyOf(uuids)));
  const named = new Set(projects.map(({ id }) => id));
  const dropped = existing.filter(({ id, owner_id, title }) => !named.has(id) && id === projectId(owner_id, title));
  if (dropped.length > 0)
    await run(client, db.deleteFrom("public.projects").where("id", "=", anyOf(dropped.map(({ id }) => id))));
  if (projects.length === 0) return dropped.map(({ owner_id }) => owner_id);
  const written = insertRows("public.projects", {
    id: ["uuid", plainArray(projects.map(({ id }) => id))],
    owner_id: ["uuid", plainArray(projects.map(({ owner }) => owner))],
    title: ["text", textArray(projects.map(({ title }) => title))],
    created_at: ["timestamptz", plainArray(projects.map(({ at }) => at))],
  });
  const added = await run(client, written.onConflict((row) => row.doNothing()).returning("owner_id"));
  return [...dropped, ...added].map(({ owner_id }) => owner_id);
}

function projectId(owner: string, title: string): string {
  return externalUuid("project", `${owner}:${title}`);
}
