import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { communityFromBundle } from "./testing-bundle.ts";

const start = Date.UTC(2026, 0);
const at = (second: number) => new Date(start + second * 1000).toISOString();
const user = (id: string, second: number) => ({
  id,
  passions: ["tea"],
  projects: [],
  bio: `I am ${id}`,
  created_at: at(second),
});
const post = (id: string, author_id: string | null, second: number) => ({
  id,
  author_id,
  title: `Title of ${id}`,
  description: "",
  tags: [],
  created_at: at(second),
});

async function bundle(interactions: object[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bundle-"));
  const files = {
    users: [user("ann", 5), user("bob", 1)],
    posts: [post("p", "ann", 30), post("q", null, 20), post("r", "bob", 20)],
    interactions,
  };
  for (const [name, rows] of Object.entries(files)) {
    await writeFile(
      join(folder, `${name}.ndjson.gz`),
      gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
    );
  }
  return folder;
}

test("numbers everything in order of time, equal times in file order", async () => {
  const community = await communityFromBundle(
    await bundle([
      { user_id: "ann", post_id: "p", kind: "comment", created_at: at(50) },
      { user_id: "bob", post_id: "p", kind: "view", created_at: at(40) },
      { user_id: "ann", post_id: "q", kind: "vote", created_at: at(40) },
      // against the post: no interaction
      { user_id: "ann", post_id: "r", kind: "vote", value: -1, created_at: at(45) },
    ]),
  );
  assert.deepEqual(community.users.ids, ["bob", "ann"]);
  assert.deepEqual(community.posts.ids, ["q", "r", "p"]);
  assert.deepEqual([...community.posts.authors], [-1, 0, 1]);
  assert.equal(community.posts.titles[2], "Title of p");
  assert.equal(community.users.bios[1], "I am ann");
  assert.deepEqual([...community.interactions.users], [0, 1, 1]);
  assert.deepEqual([...community.interactions.posts], [2, 0, 2]);
  assert.deepEqual([...community.interactions.kinds], [0, 1, 2]);
  assert.deepEqual(
    [...community.interactions.at],
    [40_000, 40_000, 50_000].map((later) => start + later),
  );
});

test("an interaction of an unknown user is reported with its line", async () => {
  const folder = await bundle([{ user_id: "zed", post_id: "p", kind: "view", created_at: at(40) }]);
  await assert.rejects(communityFromBundle(folder), /interactions\.ndjson\.gz:1: user zed is not in the bundle/);
});
