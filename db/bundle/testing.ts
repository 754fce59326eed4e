import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BundlePart, bundleFiles } from "./records.ts";

/** What the files of a test's bundle hold: records, or the very bytes of the (gzipped) file; null leaves the file out. */
export type BundleContent = Partial<Record<BundlePart, unknown[] | Buffer | null>>;

/** A sound bundle of two users, two posts and three interactions, a post and a user with a vector of their own. */
export const soundBundle = {
  users: [
    {
      id: "ann",
      passions: ["bread", 'say "hi"\\'],
      projects: ["A loaf a week"],
      bio: "Baker, {x}",
      created_at: "2026-01-01T00:00:00Z",
    },
    { id: "bob", passions: [], projects: [], bio: "", created_at: "2026-01-02T00:00:00+02:00" },
  ],
  posts: [
    {
      id: "rye",
      author_id: "ann",
      title: "Rye",
      description: "Sour, dark",
      tags: ["bread"],
      created_at: "2026-01-03T00:00:00Z",
    },
    { id: "oak", author_id: null, title: "Oak", description: "", tags: [], created_at: "2026-01-04T00:00:00Z" },
  ],
  interactions: [
    { user_id: "bob", post_id: "rye", kind: "view", value: 12.5, created_at: "2026-01-05T00:00:00Z" },
    { user_id: "bob", post_id: "rye", kind: "vote", created_at: "2026-01-05T00:00:00Z" },
    { user_id: "ann", post_id: "oak", kind: "comment", created_at: "2026-01-05T00:00:01.123456Z" },
  ],
  logins: [{ user_id: "bob", created_at: "2026-01-05T00:00:00Z" }],
  impressions: [{ request_id: "r1", user_id: "bob", post_id: "rye", position: 1, shown_at: "2026-01-05T00:00:00Z" }],
  follows: [
    { user_id: "bob", kind: "person", target_id: "ann", created_at: "2026-01-04T00:00:00Z" },
    { user_id: "bob", kind: "topic", target_id: "bread", created_at: "2026-01-04T00:00:00Z" },
  ],
  post_vectors: [{ post_id: "rye", vector: [0.5, -0.25, 1] }],
  user_vectors: [{ user_id: "bob", vector: [1, 0.5, -0.25] }],
};

/** Writes a bundle into a temporary folder that is removed when the test is over. */
export async function bundleFolder(
  scope: { after(clean: () => Promise<void>): void },
  content: BundleContent = soundBundle,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bundle-"));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  for (const [part, records] of Object.entries(content)) {
    const file = join(folder, bundleFiles[part as BundlePart].name);
    if (records !== null) await writeFile(file, Buffer.isBuffer(records) ? records : gzipLines(records));
  }
  return folder;
}

/** One line per record; strings are taken as they are. */
export function gzipLines(records: unknown[]): Buffer {
  return gzipSync(
    records.map((record) => `${typeof record === "string" ? record : JSON.stringify(record)}\n`).join(""),
  );
}
