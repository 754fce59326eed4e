import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { type Community, kinds } from "./community.ts";
import { inOrderOfTime } from "./in-order-of-time.ts";

/**
 * The community of a bundle folder (gzipped NDJSON files), numbered in order of time.
 * Throws a line naming file and row where an interaction points at a user or post that is not in the bundle.
 */
export async function communityFromBundle(folder: string): Promise<Community> {
  const users: Community["users"] = { ids: [], passions: [], projects: [], bios: [], createdAt: new Float64Array() };
  const userTimes: number[] = [];
  for await (const row of rows(folder, "users")) {
    users.ids.push(String(row.id));
    users.passions.push(row.passions ?? []);
    users.projects.push(row.projects ?? []);
    users.bios.push(row.bio ?? "");
    userTimes.push(Date.parse(row.created_at));
  }
  users.createdAt = Float64Array.from(userTimes);
  const userNumbers = new Map(users.ids.map((id, i) => [id, i]));

  const posts = { ids: [] as string[], titles: [] as string[], descriptions: [] as string[], tags: [] as string[][] };
  const authors: number[] = [];
  const postTimes: number[] = [];
  for await (const row of rows(folder, "posts")) {
    posts.ids.push(String(row.id));
    posts.titles.push(row.title ?? "");
    posts.descriptions.push(row.description ?? "");
    posts.tags.push(row.tags ?? []);
    authors.push(row.author_id === null ? -1 : (userNumbers.get(String(row.author_id)) ?? -1));
    postTimes.push(Date.parse(row.created_at));
  }
  const postNumbers = new Map(posts.ids.map((id, i) => [id, i]));

  const interactions = { users: [] as number[], posts: [] as number[], kinds: [] as number[], at: [] as number[] };
  for await (const row of rows(folder, "interactions")) {
    const user = userNumbers.get(String(row.user_id));
    const post = postNumbers.get(String(row.post_id));
    const kind = kinds.indexOf(row.kind);
    const place = `${folder}/interactions.ndjson.gz row ${interactions.at.length + 1}`;
    if (user === undefined) throw new Error(`${place}: user ${row.user_id} is not in users.ndjson.gz.`);
    if (post === undefined) throw new Error(`${place}: post ${row.post_id} is not in posts.ndjson.gz.`);
    if (kind < 0) throw new Error(`${place}: kind must be one of ${kinds.join(", ")}, not ${row.kind}.`);
    interactions.users.push(user);
    interactions.posts.push(post);
    interactions.kinds.push(kind);
    interactions.at.push(Date.parse(row.created_at));
  }
  return inOrderOfTime({
    users,
    posts: { ...posts, authors: Int32Array.from(authors), createdAt: Float64Array.from(postTimes) },
    interactions: {
      users: Int32Array.from(interactions.users),
      posts: Int32Array.from(interactions.posts),
      kinds: Uint8Array.from(interactions.kinds),
      at: Float64Array.from(interactions.at),
    },
  });
}

// biome-ignore lint/suspicious/noExplicitAny: rows of a file are what their writer made them
async function* rows(folder: string, name: string): AsyncGenerator<any> {
  const path = join(folder, `${name}.ndjson.gz`);
  if (!existsSync(path)) throw new Error(`${path} is missing: a bundle needs users, posts and interactions.`);
  for await (const line of createInterface({ input: createReadStream(path).pipe(createGunzip()) })) {
    if (line.trim() !== "") yield JSON.parse(line);
  }
}
