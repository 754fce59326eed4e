/** Uploads that are ended, and go on; what is never seen half; and what is said where something is wrong. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { AbortMultipartUploadCommand, DeleteObjectCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { isFull } from "../../testing/courses.ts";
import { temporaryFolder } from "../testing.ts";
import { openBucket, parseBucketUrl, requireBucket } from "./bucket.ts";
import { downloadFile } from "./download.ts";
import { factsOf } from "./parquet-file.ts";
import { type Storage, startStorage, withoutStorage } from "./testing.ts";
import { uploadFile } from "./upload.ts";

const skip = withoutStorage;
const folder = await temporaryFolder({ after });
const file = join(folder, "large");
/** In test:full parts are as large as they are without a test. */
const minPartBytes = isFull ? 8 * 2 ** 20 : 2 ** 16;
const size = 5 * minPartBytes + 12_345;
const storage: Storage = skip ? (undefined as never) : await startStorage({ after });
const quiet = { onProgress: () => {}, signal: new AbortController().signal, minPartBytes };
const parts = 6;

if (!skip) {
  await writeFile(file, randomBytes(size));
  Object.assign(process.env, storage.env);
}

beforeEach(async () => {
  if (skip) return;
  storage.door = () => "pass";
  const { client, bucket: Bucket } = storage;
  for (const Key of await storage.keys()) await client.send(new DeleteObjectCommand({ Bucket, Key }));
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads)
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  Object.assign(storage.passed, { part: 0, put: 0, complete: 0, get: 0, other: 0 });
});

const bucket = () => openBucket(`s3://${storage.bucket}/some/where`);
const upload = async (of = file, signal = quiet.signal) =>
  await uploadFile(bucket(), "large", of, await factsOf(of), { ...quiet, signal });

test("a file goes in parts, is whole under its name, and is not sent twice", { skip }, async () => {
  const told: number[] = [];
  const facts = await factsOf(file);
  assert.equal(
    await uploadFile(bucket(), "large", file, facts, { ...quiet, onProgress: ({ done }) => told.push(done) }),
    true,
  );
  assert.deepEqual([storage.passed.part, storage.passed.complete], [parts, 1]);
  assert.deepEqual(await storage.keys(), ["some/where/large"]);
  assert.deepEqual([told[0], told.at(-1)], [0, size]);
  assert.equal(await upload(), false);
  assert.equal(storage.passed.part, parts);
  await downloadFile(bucket(), "large", join(folder, "back"));
  assert.deepEqual(await factsOf(join(folder, "back")), facts);
});

/** Uploads until some parts are there: in a process that is killed then, or without test:full here, where a signal stops it. */
async function endedAfter(number: number): Promise<void> {
  if (isFull) return await killedAfter(number);
  const stopping = new AbortController();
  storage.door = (asked) => {
    if (asked !== "part" || storage.passed.part < number) return "pass";
    stopping.abort(new Error("ended"));
    return "break";
  };
  await assert.rejects(upload(file, stopping.signal), /ended/);
  await storage.settled();
  storage.door = () => "pass";
}

async function killedAfter(number: number): Promise<void> {
  const program = `
    import { openBucket } from ${JSON.stringify(fileURLToPath(new URL("bucket.ts", import.meta.url)))};
    import { uploadFile } from ${JSON.stringify(fileURLToPath(new URL("upload.ts", import.meta.url)))};
    import { factsOf } from ${JSON.stringify(fileURLToPath(new URL("./parquet-file.ts", import.meta.url)))};
    await uploadFile(openBucket("s3://${storage.bucket}/some/where"), "large", ${JSON.stringify(file)}, await factsOf(${JSON.stringify(file)}),
      { onProgress() {}, signal: new AbortController().signal, minPartBytes: ${minPartBytes} });`;
  const started = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program], { stdio: "inherit" });
  storage.door = (asked) => {
    if (asked !== "part" || storage.passed.part < number) return "pass";
    started.kill("SIGKILL");
    return "break";
  };
  await once(started, "exit");
  await storage.settled();
  storage.door = () => "pass";
}

test("one that was killed leaves nothing under its name, and the next sends only what is missing", {
  skip,
}, async () => {
  await killedAfter(2);
  const there = storage.passed.part;
  assert.ok(there >= 2 && there < parts, `${there}`);
  assert.deepEqual(await storage.keys(), []);
  assert.equal(await storage.unfinished(), 1);
  assert.equal(await upload(), true);
  assert.equal(storage.passed.part, parts, "no part was sent twice");
  assert.deepEqual(await storage.keys(), ["some/where/large"]);
  assert.equal(await storage.unfinished(), 0);
});

test("parts of another content are thrown away, whether all of them are other or none that is there yet", {
  skip,
}, async () => {
  // the sixth part begins when two are there
  await endedAfter(2);
  const there = storage.passed.part;
  const content = await readFile(file);
  const other = join(folder, "other");
  await writeFile(other, randomBytes(size));
  assert.equal(await upload(other), true);
  assert.equal(storage.passed.part, there + parts);
  assert.equal(await storage.unfinished(), 0);
  // the same but for its end: the parts that are there fit, and the sha256 of the object would be the earlier file's
  await endedAfter(storage.passed.part + 2);
  content[size - 1] ^= 1;
  await writeFile(other, content);
  assert.equal(await upload(other), true);
  await downloadFile(bucket(), "large", join(folder, "back"));
  assert.deepEqual(await factsOf(join(folder, "back")), await factsOf(other));
});

test("a stop ends it between requests with the signal's reason, and the next goes on", { skip }, async () => {
  const stopping = new AbortController();
  storage.door = () => {
    if (storage.passed.part >= 1) stopping.abort(new Error("stopped by hand"));
    return "pass";
  };
  await assert.rejects(upload(file, stopping.signal), /stopped by hand/);
  assert.deepEqual(await storage.keys(), []);
  storage.door = () => "pass";
  assert.equal(await upload(), true);
});

test("errors that pass are tried again; a broken connection, too, also while it is read", { skip }, async () => {
  let failures = 0;
  storage.door = (asked) => {
    if (asked !== "part" || failures >= 3) return "pass";
    failures++;
    return failures === 2 ? "break" : { status: 503, code: "SlowDown" };
  };
  assert.equal(await upload(), true);
  assert.deepEqual([failures, storage.passed.part], [3, parts]);
});

test("what is wrong is one line with its cure", { skip }, async () => {
  const failing = async (door: Storage["door"], env: Record<string, string | undefined> = {}) => {
    storage.door = door;
    const before = { ...process.env };
    process.env = Object.fromEntries(Object.entries({ ...before, ...env }).filter(([, value]) => value !== undefined));
    try {
      await requireBucket(bucket());
    } catch (error) {
      assert.equal((error as Error).name, "UserError", `${error}`);
      assert.doesNotMatch((error as Error).message, /\n|tested-secret/);
      return (error as Error).message;
    } finally {
      process.env = before;
      storage.door = () => "pass";
    }
    return "nothing";
  };
  const answering = (status: number, code: string) => () => ({ status, code });
  assert.match(await failing(answering(403, "AccessDenied")), /forbids it.*403/);
  assert.match(await failing(answering(403, "SignatureDoesNotMatch")), /AWS_SECRET_ACCESS_KEY does not belong/);
  assert.match(await failing(answering(403, "InvalidAccessKeyId")), /does not know the access key/);
  assert.match(await failing(answering(403, "RequestTimeTooSkewed")), /clock of this machine/);
  assert.match(await failing(answering(400, "ExpiredToken")), /AWS_SESSION_TOKEN/);
  assert.match(await failing(answering(301, "PermanentRedirect")), /another region/);
  assert.match(await failing(answering(500, "InternalError")), /answers 500 again and again/);
  assert.match(await failing(answering(418, "Teapot")), /answers 418 Teapot/);
  assert.match(await failing(() => "break"), /does not answer/);
  assert.match(
    await failing(() => "pass", { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" }),
    /does not answer \(ECONNREFUSED\)/,
  );
  assert.match(await failing(() => "pass", { AWS_ENDPOINT_URL_S3: "nothing" }), /AWS_ENDPOINT_URL_S3 is no URL/);
  const none = {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_EC2_METADATA_DISABLED: "true",
    HOME: folder,
  };
  assert.match(await failing(() => "pass", none), /no credentials: set AWS_ACCESS_KEY_ID/);
  await assert.rejects(requireBucket(openBucket("s3://nowhere-at-all")), /has no bucket nowhere-at-all: create it/);
  await assert.rejects(
    downloadFile(bucket(), "nothing", join(folder, "nothing")),
    /s3:\/\/tested\/some\/where\/nothing is not there/,
  );
  await assert.rejects(downloadFile(bucket(), "nothing", join(folder, "no", "folder")), /is not there/);
});

test("URLs of buckets", () => {
  assert.deepEqual(parseBucketUrl("s3://my.bucket"), { name: "my.bucket", prefix: "" });
  assert.deepEqual(parseBucketUrl("s3://b2-c/a//b c/"), { name: "b2-c", prefix: "a/b c/" });
  for (const wrong of ["b", "s3://", "s3:///a", "s3://x", "https://a/b", "s3://-a/b", "s3://bucket?x", ""])
    assert.throws(() => parseBucketUrl(wrong), /names no bucket/, wrong);
  for (const wrong of ["s3://bucket/../x", "s3://bucket/./x", "s3://bucket/a\\b", "s3://bucket/a\nb"])
    assert.throws(() => parseBucketUrl(wrong), /UserError|no "\."|names no bucket/, wrong);
});
