/** Smaller communities made of a large one, as bundles. */
import { createHash } from "node:crypto";
import { openBundle } from "../../db/bundle/open-bundle.ts";
import { readPart } from "../../db/bundle/read-records.ts";
import type { BundlePart, RecordOf } from "../../db/bundle/records.ts";
import { writeAll } from "../../db/bundle/write-records.ts";

/** What is kept of a community. */
export interface Thinning {
  /** One person of so many is kept. */
  oneOf: number;
  /** Interactions of everybody with the posts of the kept people are kept, too. */
  allReaders?: boolean;
  /** Of each author the first post alone is kept. */
  asksOnce?: boolean;
}

export const shapes: Record<string, Thinning> = {
  "people-10": { oneOf: 10 },
  "people-30": { oneOf: 30 },
  "people-100": { oneOf: 100 },
  "authors-10": { oneOf: 10, allReaders: true },
  "authors-30": { oneOf: 30, allReaders: true },
  "authors-100": { oneOf: 100, allReaders: true },
  once: { oneOf: 10, allReaders: true, asksOnce: true },
};

/** Writes what `shape` keeps of the bundle in `from` as a bundle into `to`. People are drawn by a hash of seed and id. */
export async function writeThinned(from: string, to: string, shape: Thinning, seed: number): Promise<void> {
  const { oneOf, allReaders = false, asksOnce = false } = shape;
  const drawn = (id: string) => createHash("sha256").update(`${seed}:${id}`).digest().readUInt32BE() % oneOf === 0;
  let posts = (await readAll(from, "posts")).filter(({ author_id }) => author_id !== null && drawn(author_id));
  if (asksOnce) {
    const asked = new Set<string | null>();
    posts = posts
      .toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))
      .filter(({ author_id }) => !asked.has(author_id) && asked.add(author_id));
  }
  const kept = new Set(posts.map(({ id }) => id));
  const interactions = (await readAll(from, "interactions")).filter(
    ({ user_id, post_id }) => kept.has(post_id) && (allReaders || drawn(user_id)),
  );
  const active = new Set([...interactions.map(({ user_id }) => user_id), ...posts.map(({ author_id }) => author_id)]);
  const users = (await readAll(from, "users")).filter(({ id }) => drawn(id) || active.has(id));
  await writeAll(to, "users", users);
  await writeAll(to, "posts", posts);
  await writeAll(to, "interactions", interactions);
}

async function readAll<Part extends BundlePart>(folder: string, part: Part): Promise<RecordOf<Part>[]> {
  const file = (await openBundle(folder))[part];
  const all: RecordOf<Part>[] = [];
  if (file) for await (const { records } of readPart(part, file.path)) for (const record of records) all.push(record);
  return all;
}
