import assert from "node:assert/strict";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { BundleError } from "../bundle/open-bundle.ts";
import { maxLineBytes } from "../bundle/read-lines.ts";
import { type BundleContent, bundleFolder, gzipLines, soundBundle } from "../bundle/testing.ts";
import { testDatabase } from "../testing.ts";
import { importBundle } from "./import-bundle.ts";

const database = await testDatabase({ after }, "bad_bundles");

const { users, posts, interactions, logins, impressions, follows, post_vectors, user_vectors } = soundBundle;
const [ann] = users;
const [rye] = posts;
const [view] = interactions;
const [vector] = post_vectors;
const zipped = gzipLines(interactions);
// the last eight bytes are the checksum and the length
const damaged = Buffer.from(zipped);
damaged.fill(0x55, damaged.length - 8, damaged.length - 4);
const nonUtf8 = Buffer.concat([
  Buffer.from(`${JSON.stringify(ann)}\n{"id":"`),
  Buffer.from([0xff]),
  Buffer.from('"}\n'),
]);

/** [what is wrong, the parts that differ from a sound bundle, file, line, reason] */
const cases: [string, BundleContent, string, number | undefined, RegExp][] = [
  ["no users", { users: null }, "users", undefined, /^is missing; a bundle has users, posts and interactions$/],
  ["no posts", { posts: null }, "posts", undefined, /^is missing/],
  ["no interactions", { interactions: null }, "interactions", undefined, /^is missing/],
  ["an empty file", { posts: Buffer.alloc(0) }, "posts", undefined, /^is empty, not even gzip/],
  [
    "not gzip",
    { interactions: Buffer.from("hello\n") },
    "interactions",
    undefined,
    /^is not gzip; compress it with gzip$/,
  ],
  ["cut off", { interactions: zipped.subarray(0, zipped.length - 6) }, "interactions", 4, /^the file is cut off here/],
  ["cut off at once", { posts: zipped.subarray(0, 12) }, "posts", 1, /^the file is cut off here/],
  ["damaged", { interactions: damaged }, "interactions", 1, /^the compressed data is damaged from here on/],
  ["not UTF-8", { users: gzipSync(nonUtf8) }, "users", 2, /^is not UTF-8$/],
  ["not JSON", { users: [ann, "{"] }, "users", 2, /^is not JSON$/],
  ["a list", { users: [[1]] }, "users", 1, /expected object/],
  ["null", { posts: [rye, null] }, "posts", 2, /expected object/],
  [
    "a long line",
    { users: [ann, { ...ann, id: "x", bio: "x".repeat(maxLineBytes) }] },
    "users",
    2,
    /^is longer than 4 MB$/,
  ],
  ["no id", { users: [{ ...ann, id: undefined }] }, "users", 1, /^id: /],
  ["a number as id", { posts: [{ ...rye, id: 7 }] }, "posts", 1, /^id: .*expected string/],
  ["an empty id", { users: [{ ...ann, id: "" }] }, "users", 1, /^id: must not be empty$/],
  ["an endless id", { users: [{ ...ann, id: "x".repeat(501) }] }, "users", 1, /^id: is longer than 500 characters$/],
  ["a NUL character", { posts: [{ ...rye, title: "a\0b" }] }, "posts", 1, /^title: contains a NUL character/],
  [
    "half an emoji in a title",
    { posts: [{ ...rye, title: "a\ud83d" }] },
    "posts",
    1,
    /^title: contains half a surrogate/,
  ],
  ["half an emoji in an id", { users: [ann, { ...ann, id: "\udca9" }] }, "users", 2, /^id: contains half a surrogate/],
  [
    "half an emoji in a tag",
    { posts: [rye, { ...rye, id: "x", tags: ["\ud83d"] }] },
    "posts",
    2,
    /^tags\.0: contains half/,
  ],
  ["passions that are no list", { users: [{ ...ann, passions: "bread" }] }, "users", 1, /^passions: /],
  ["a passion that is no text", { users: [{ ...ann, passions: ["a", 1] }] }, "users", 1, /^passions\.1: /],
  ["no title", { posts: [{ ...rye, title: undefined }] }, "posts", 1, /^title: /],
  ["no time", { users: [{ ...ann, created_at: undefined }] }, "users", 1, /^created_at: must be an ISO 8601 time/],
  ["no such day", { users: [{ ...ann, created_at: "2026-02-30T00:00:00Z" }] }, "users", 1, /^created_at: must be/],
  ["a time without a zone", { posts: [{ ...rye, created_at: "2026-01-01T00:00:00" }] }, "posts", 1, /with a zone/],
  [
    "seconds since 1970",
    { interactions: [{ ...view, created_at: 1767225600 }] },
    "interactions",
    1,
    /^created_at: must/,
  ],
  [
    "a zone that does not exist",
    { posts: [{ ...rye, created_at: "2026-01-01T00:00:00+16:00" }] },
    "posts",
    1,
    /has a zone beyond/,
  ],
  ["the year 0", { posts: [{ ...rye, created_at: "0000-01-01T00:00:00Z" }] }, "posts", 1, /before the year 1990$/],
  [
    "the year 1989",
    { users: [{ ...ann, created_at: "1989-12-31T23:59:59Z" }] },
    "users",
    1,
    /^created_at: lies before the year 1990$/,
  ],
  [
    "an endless title",
    { posts: [rye, { ...rye, id: "x", title: "x".repeat(1001) }] },
    "posts",
    2,
    /^title: is longer than 1,000 characters$/,
  ],
  [
    "an endless description",
    { posts: [{ ...rye, description: "é".repeat(50_001) }] },
    "posts",
    1,
    /^description: is longer than 50,000/,
  ],
  ["an endless bio", { users: [{ ...ann, bio: "x".repeat(50_001) }] }, "users", 1, /^bio: is longer than 50,000/],
  [
    "a million tags",
    { posts: [{ ...rye, tags: Array(1_000_000).fill("a") }] },
    "posts",
    1,
    /^tags: has more than 100 entries$/,
  ],
  [
    "an endless tag",
    { posts: [{ ...rye, tags: ["x".repeat(10_001)] }] },
    "posts",
    1,
    /^tags: is longer than 10,000 characters in all$/,
  ],
  ["101 passions", { users: [{ ...ann, passions: Array(101).fill("a") }] }, "users", 1, /^passions: has more than 100/],
  ["101 projects", { users: [{ ...ann, projects: Array(101).fill("a") }] }, "users", 1, /^projects: has more than 100/],
  [
    "the future",
    { interactions: [{ ...view, created_at: "9999-01-01T00:00:00Z" }] },
    "interactions",
    1,
    /in the future$/,
  ],
  ["an unknown kind", { interactions: [view, { ...view, kind: "share" }] }, "interactions", 2, /^kind: .*"view"/],
  ["a huge value", { interactions: [{ ...view, value: 1e300 }] }, "interactions", 1, /^value: is too large/],
  ["a text as value", { interactions: [{ ...view, value: "5" }] }, "interactions", 1, /^value: /],
  ["an unknown user", { interactions: [view, { ...view, user_id: "eve" }] }, "interactions", 2, /^unknown user "eve"$/],
  [
    "an id of two lines",
    { interactions: [{ ...view, user_id: "e\nve" }] },
    "interactions",
    1,
    /^unknown user "e\\nve"$/,
  ],
  ["an unknown post", { interactions: [{ ...view, post_id: "ann" }] }, "interactions", 1, /^unknown post "ann"$/],
  ["an unknown author", { posts: [{ ...rye, author_id: "eve" }] }, "posts", 1, /^unknown user "eve"$/],
  ["a user twice", { users: [...users, ann] }, "users", 3, /^duplicate user id "ann"$/],
  ["a post twice", { posts: [...posts, rye] }, "posts", 3, /^duplicate post id "rye"$/],
  ["a login of nobody", { logins: [...logins, { ...logins[0], user_id: "eve" }] }, "logins", 2, /^unknown user "eve"$/],
  ["position 0", { impressions: [{ ...impressions[0], position: 0 }] }, "impressions", 1, /^position: /],
  ["position 1.5", { impressions: [{ ...impressions[0], position: 1.5 }] }, "impressions", 1, /^position: /],
  [
    "an impression of an unknown post",
    { impressions: [{ ...impressions[0], post_id: "x" }] },
    "impressions",
    1,
    /^unknown post "x"$/,
  ],
  ["a follow by nobody", { follows: [{ ...follows[0], user_id: "eve" }] }, "follows", 1, /^unknown user "eve"$/],
  [
    "a follow of nobody",
    { follows: [follows[1], { ...follows[0], target_id: "eve" }] },
    "follows",
    2,
    /^unknown user "eve"$/,
  ],
  [
    "a follow of oneself",
    { follows: [{ ...follows[0], target_id: "bob" }] },
    "follows",
    1,
    /^"bob" follows themselves$/,
  ],
  ["a follow twice", { follows: [...follows, follows[0]] }, "follows", 3, /^"bob" follows "ann" twice$/],
  ["an unknown kind of follow", { follows: [{ ...follows[0], kind: "friend" }] }, "follows", 1, /^kind: .*"person"/],
  [
    "a vector of nobody's post",
    { post_vectors: [{ ...vector, post_id: "x" }] },
    "post_vectors",
    1,
    /^unknown post "x"$/,
  ],
  ["two vectors", { post_vectors: [vector, vector] }, "post_vectors", 2, /^post "rye" has two vectors$/],
  ["a vector of nobody", { user_vectors: [{ user_id: "x", vector: [1, 2] }] }, "user_vectors", 1, /^unknown user "x"$/],
  [
    "two vectors of one",
    { user_vectors: [...user_vectors, ...user_vectors] },
    "user_vectors",
    2,
    /^user "bob" has two vectors$/,
  ],
  [
    "a user's vector of zeros",
    { user_vectors: [{ user_id: "bob", vector: [0, 0] }] },
    "user_vectors",
    1,
    /^vector: is of zeros/,
  ],
  ["a short vector", { post_vectors: [{ ...vector, vector: [1] }] }, "post_vectors", 1, /^vector: has fewer than 2/],
  [
    "a long vector",
    { post_vectors: [{ ...vector, vector: Array(4097).fill(1) }] },
    "post_vectors",
    1,
    /^vector: has more than 4,096 numbers$/,
  ],
  [
    "a vector of zeros",
    { post_vectors: [{ ...vector, vector: [0, 1e-60] }] },
    "post_vectors",
    1,
    /^vector: is of zeros/,
  ],
  ["a vector of texts", { post_vectors: [{ ...vector, vector: ["1", "2"] }] }, "post_vectors", 1, /^vector\.0: /],
  [
    "a huge number",
    { post_vectors: [{ ...vector, vector: [1, 1e300] }] },
    "post_vectors",
    1,
    /^vector\.1: is too large/,
  ],
  ["no vector", { post_vectors: [{ post_id: "rye", vector: null }] }, "post_vectors", 1, /^vector: /],
  ["late trouble", { interactions: [...Array(12_000).fill(view), "oops"] }, "interactions", 12_001, /^is not JSON$/],
];

for (const [name, parts, part, line, reason] of cases) {
  test(`${name}: file, line and reason, and nothing is imported`, async (t) => {
    const folder = await bundleFolder(t, { ...soundBundle, ...parts });
    await assert.rejects(importBundle(database, folder), (error) => {
      assert.ok(error instanceof BundleError, String(error));
      assert.equal(error.file, join(folder, `${part}.ndjson.gz`));
      assert.equal(error.line, line);
      assert.match(error.reason, reason);
      assert.equal(error.message, `${error.file}${error.line ? `:${error.line}` : ""}: ${error.reason}`);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    await assertEmpty();
  });
}

test("paths that are not folders, files that are not gzipped and files that may not be read", async (t) => {
  const folder = await bundleFolder(t);
  await assert.rejects(importBundle(database, join(folder, "nowhere")), /nowhere: no such folder$/);
  const file = join(folder, "users.ndjson.gz");
  await assert.rejects(importBundle(database, file), /users\.ndjson\.gz: is not a folder/);
  await assert.rejects(importBundle(database, join(file, "x")), BundleError);
  if (process.getuid?.() !== 0) {
    await chmod(file, 0);
    await assert.rejects(importBundle(database, folder), /users\.ndjson\.gz: may not be read; check its permissions$/);
    await chmod(file, 0o600);
  }
  await rename(file, join(folder, "kept"));
  await writeFile(join(folder, "users.ndjson"), "{}\n");
  await assert.rejects(importBundle(database, folder), /users\.ndjson: must be compressed; run gzip on it$/);
  await rm(join(folder, "users.ndjson"));
  await mkdir(file);
  await assert.rejects(importBundle(database, folder), /users\.ndjson\.gz: is not a file$/);
  await assertEmpty();
});

test("the connection is sound after all that: a sound bundle goes in", async (t) => {
  const report = await importBundle(database, await bundleFolder(t));
  assert.equal(report.interactions.added, interactions.length);
});

async function assertEmpty(): Promise<void> {
  const { rows } = await database.pool.query(
    `select (select count(*) from public.profiles) + (select count(*) from public.projects) + (select count(*) from public.posts)
      + (select count(*) from recsys.source_interactions) + (select count(*) from public.logins) + (select count(*) from public.follows)
      + (select count(*) from recsys.impressions) + (select count(*) from recsys_engine.post_stats) as rows`,
  );
  assert.equal(Number(rows[0].rows), 0);
}
