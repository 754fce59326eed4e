import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readPart } from "../../../db/bundle/read-records.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "../../../db/bundle/records.ts";
import { communityEnd, dayLength } from "./calendar.ts";
import { truePreferences } from "./true-preferences.ts";
import { writeSyntheticCommunity } from "./write-synthetic-community.ts";

// vectors are made by a model of words, not by the simulation
const parts = (Object.keys(bundleFiles) as BundlePart[]).filter((part) => !part.endsWith("_vectors"));
const size = { users: 150, posts: 300, days: 40 };

async function write(t: TestContext, seed: number, follows = true): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "synthetic-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeSyntheticCommunity(folder, { seed, follows, ...size });
  return folder;
}

async function read<Part extends BundlePart>(folder: string, part: Part): Promise<RecordOf<Part>[]> {
  const records: RecordOf<Part>[] = [];
  for await (const batch of readPart(part, join(folder, bundleFiles[part].name))) records.push(...batch.records);
  return records;
}

test("the same seed gives the same bytes, another seed other people and posts", async (t) => {
  const [first, again, other] = [await write(t, 1), await write(t, 1), await write(t, 2)];
  for (const part of parts) {
    const [a, b, c] = await Promise.all(
      [first, again, other].map((folder) => readFile(join(folder, bundleFiles[part].name))),
    );
    assert.ok(a.equals(b), `${part} differ`);
    assert.ok(!a.equals(c), `${part} do not differ`);
  }
});

test("nothing else is different where nobody follows anybody", async (t) => {
  const [with_, without] = [await write(t, 1), await write(t, 1, false)];
  const files = await readdir(without);
  assert.deepEqual(await readdir(with_), [...files, bundleFiles.follows.name].sort());
  for (const file of files)
    assert.ok((await readFile(join(with_, file))).equals(await readFile(join(without, file))), file);
});

test("it is a community: everything refers to what exists, nothing happens before its time, and nobody reads their own posts", async (t) => {
  const folder = await write(t, 3);
  const users = new Map((await read(folder, "users")).map((user) => [user.id, user]));
  const posts = new Map((await read(folder, "posts")).map((post) => [post.id, post]));
  assert.equal(users.size, size.users);
  assert.equal(posts.size, size.posts);
  for (const post of posts.values()) {
    const author = users.get(post.author_id ?? "");
    assert.ok(author && author.created_at < post.created_at, `${post.id} was written before its author signed up`);
  }
  const interactions = await read(folder, "interactions");
  let before = "";
  for (const { user_id, post_id, kind, created_at } of interactions) {
    const [user, post] = [users.get(user_id), posts.get(post_id)];
    assert.ok(user && post, `${user_id} ${kind} ${post_id}`);
    assert.ok(created_at > post.created_at && created_at > user.created_at && created_at >= before);
    assert.ok(Date.parse(created_at) < communityEnd);
    if (kind !== "comment") assert.notEqual(post.author_id, user_id);
    before = created_at;
  }
  const replies = interactions.filter(({ user_id, post_id }) => posts.get(post_id)?.author_id === user_id);
  assert.ok(replies.length > 50, "authors answer under their posts");
  const requests = new Map<string, number[]>();
  for (const { request_id, user_id, post_id, position } of await read(folder, "impressions")) {
    assert.notEqual(posts.get(post_id)?.author_id, user_id);
    requests.set(request_id, [...(requests.get(request_id) ?? []), position]);
  }
  for (const positions of requests.values())
    assert.deepEqual(
      positions,
      positions.map((_, i) => i + 1),
    );
  for (const { user_id, target_id, created_at } of await read(folder, "follows")) {
    const [user, target] = [users.get(user_id), users.get(target_id)];
    assert.ok(user && target && target.created_at < user.created_at && user.created_at < created_at);
    assert.ok(Date.parse(created_at) <= communityEnd);
  }
  for (const { user_id, created_at } of await read(folder, "logins")) {
    assert.ok((users.get(user_id)?.created_at ?? "") < created_at);
  }
});

test("some users signed up on the last day, with a profile and no history", async (t) => {
  const folder = await write(t, 4);
  const { coldUsers } = truePreferences(4, size);
  assert.equal(coldUsers.length, Math.round(size.users / 20));
  const active = new Set((await read(folder, "interactions")).map(({ user_id }) => user_id));
  const users = new Map((await read(folder, "users")).map((user) => [user.id, user]));
  const cold = coldUsers.map((id) => users.get(id));
  for (const user of cold) {
    assert.ok(user && Date.parse(user.created_at) >= communityEnd - dayLength);
    assert.ok(!active.has(user.id));
  }
  assert.ok(cold.some((user) => (user?.passions.length ?? 0) > 0));
});

test("a size that is no community is refused in one line", async () => {
  for (const wrong of [{ users: 0 }, { posts: Number.NaN }, { days: 1.5 }, { users: -5 }, { posts: Infinity }]) {
    await assert.rejects(
      writeSyntheticCommunity("/nowhere", { seed: 1, ...wrong }),
      /^UserError: a synthetic community takes at least/,
    );
    assert.throws(() => truePreferences(1, wrong), /takes at least/);
  }
});
