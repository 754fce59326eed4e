/**
 * A file into a bucket: as a whole, or in parts that stand under their name together when the last one has come. An upload that was ended is taken up
 * where it was: a part that is there with the MD5 that the file has at its place is not sent again.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { OnProgress } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { asking, type Bucket } from "./bucket.ts";
import type { FileFacts } from "./parquet-file.ts";

/** What is larger goes in parts of so many bytes; S3 takes 10,000 of them, of 5 MiB at least. Four are in memory at a time. */
const partBytes = 8 * 2 ** 20;
const mostParts = 10_000;
const atOnce = 4;

export interface UploadWork {
  onProgress: OnProgress;
  signal: AbortSignal;
  /** The smallest size of a part, in bytes. Default: 8 MiB. */
  minPartBytes?: number;
}

/** A file to upload, and what is known of it. */
interface Upload extends UploadWork {
  bucket: Bucket;
  key: string;
  handle: FileHandle;
  file: string;
  facts: FileFacts;
  partBytes: number;
}

/** Uploads a file under a path in the bucket; gives false where the same is there already. */
export async function uploadFile(
  bucket: Bucket,
  path: string,
  file: string,
  facts: FileFacts,
  work: UploadWork,
): Promise<boolean> {
  const handle = await open(file, "r");
  const upload: Upload = {
    ...work,
    bucket,
    key: `${bucket.prefix}${path}`,
    handle,
    file,
    facts,
    partBytes: Math.max(work.minPartBytes ?? partBytes, Math.ceil(facts.bytes / mostParts)),
  };
  try {
    return await asking(bucket, work.signal, async () => {
      if (await isThere(upload)) return false;
      if (facts.bytes <= upload.partBytes) await putWhole(upload);
      else {
        await putInParts(upload, await unfinished(upload));
        // its parts were the same, and it was begun for another file: what it says of itself is wrong
        if (!(await isThere(upload))) await putInParts(upload, undefined);
      }
      if (!(await isThere(upload)))
        throw new UserError(`${bucket.url}/${path} is not what was uploaded: does somebody else write there?`);
      return true;
    });
  } finally {
    await handle.close();
  }
}

/** Whether the object is there with the file's size and sha256, or, where the storage keeps no metadata, its ETag. */
async function isThere(upload: Upload): Promise<boolean> {
  const { bucket, key, facts, signal } = upload;
  try {
    const command = new HeadObjectCommand({ Bucket: bucket.name, Key: key });
    const { ContentLength, ETag, Metadata } = await bucket.client.send(command, { abortSignal: signal });
    if (ContentLength !== facts.bytes) return false;
    return Metadata?.sha256 === undefined
      ? unquoted(ETag) === (await etagOf(upload))
      : Metadata.sha256 === facts.sha256;
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return false;
    throw error;
  }
}

async function putWhole(upload: Upload): Promise<void> {
  const { bucket, key, facts, signal } = upload;
  const body = await partOf(upload, 1);
  const command = new PutObjectCommand({
    Bucket: bucket.name,
    Key: key,
    Body: body,
    ContentMD5: md5(body, "base64"),
    Metadata: { sha256: facts.sha256 },
  });
  await bucket.client.send(command, { abortSignal: signal });
  tell(upload, facts.bytes);
}

interface Unfinished {
  id: string;
  /** ETags by number. */
  parts: Map<number, string>;
}

/** The upload of this file that was ended last, with its parts. Others of this key, which are of other files, are aborted: their parts cost room. */
async function unfinished(upload: Upload): Promise<Unfinished | undefined> {
  const { bucket, key, signal } = upload;
  const found: { id: string; at: number }[] = [];
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (marker) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket: bucket.name,
      Prefix: key,
      ...marker,
    });
    const page = await bucket.client.send(command, { abortSignal: signal });
    for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
      if (Key === key && UploadId !== undefined) found.push({ id: UploadId, at: Number(Initiated ?? 0) });
    marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
  }
  let kept: Unfinished | undefined;
  for (const { id } of found.sort((a, b) => b.at - a.at)) {
    const parts = kept ? undefined : await sameParts(upload, id);
    if (parts) kept = { id, parts };
    else await abort(upload, id);
  }
  return kept;
}

/** The parts of an upload that are there; undefined where one of them is not of this file. */
async function sameParts(upload: Upload, id: string): Promise<Map<number, string> | undefined> {
  const { bucket, key, signal } = upload;
  const parts = new Map<number, string>();
  let marker: string | undefined;
  do {
    const command: ListPartsCommand = new ListPartsCommand({
      Bucket: bucket.name,
      Key: key,
      UploadId: id,
      ...(marker && { PartNumberMarker: marker }),
    });
    const page = await bucket.client.send(command, { abortSignal: signal });
    for (const { PartNumber = 0, ETag, Size } of page.Parts ?? []) {
      const body = await partOf(upload, PartNumber);
      if (body.length === 0 || body.length !== Size || unquoted(ETag) !== md5(body, "hex")) return undefined;
      parts.set(PartNumber, ETag as string);
    }
    // the SDK's own pages go on for as long as there is a marker, which some storages send with the last page, too
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return parts;
}

async function putInParts(upload: Upload, begun: Unfinished | undefined): Promise<void> {
  const { bucket, key, facts, signal } = upload;
  const of = { Bucket: bucket.name, Key: key };
  const id = begun?.id ?? (await begin(upload));
  const parts = new Map(begun?.parts);
  const missing = partNumbers(upload).filter((number) => !parts.has(number));
  let sent = facts.bytes - missing.reduce((sum, number) => sum + sizeOfPart(upload, number), 0);
  tell(upload, sent);
  // the first that fails ends the others, too
  const failed = new AbortController();
  const abortSignal = AbortSignal.any([signal, failed.signal]);
  const sender = async () => {
    for (let number = missing.shift(); number !== undefined; number = missing.shift()) {
      abortSignal.throwIfAborted();
      const body = await partOf(upload, number);
      const command = new UploadPartCommand({
        ...of,
        UploadId: id,
        PartNumber: number,
        Body: body,
        ContentMD5: md5(body, "base64"),
      });
      const { ETag } = await bucket.client.send(command, { abortSignal });
      if (ETag === undefined)
        throw new UserError(`${bucket.url} gives a part no ETag: it does not speak S3's protocol`);
      parts.set(number, ETag);
      sent += body.length;
      tell(upload, sent);
    }
  };
  const senders = Array.from({ length: atOnce }, () =>
    sender().catch((error) => {
      failed.abort(error);
      throw error;
    }),
  );
  const [failure] = (await Promise.allSettled(senders)).filter(({ status }) => status === "rejected");
  if (failure) throw failed.signal.reason;
  const Parts = partNumbers(upload).map((PartNumber) => ({ PartNumber, ETag: parts.get(PartNumber) }));
  await bucket.client.send(new CompleteMultipartUploadCommand({ ...of, UploadId: id, MultipartUpload: { Parts } }), {
    abortSignal: signal,
  });
}

async function begin({ bucket, key, facts, signal }: Upload): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket.name,
    Key: key,
    Metadata: { sha256: facts.sha256 },
  });
  const { UploadId } = await bucket.client.send(command, { abortSignal: signal });
  if (UploadId === undefined)
    throw new UserError(`${bucket.url} begins no upload in parts: it does not speak S3's protocol`);
  return UploadId;
}

async function abort({ bucket, key, signal }: Upload, id: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: key, UploadId: id });
  await bucket.client.send(command, { abortSignal: signal });
}

function partNumbers({ facts, partBytes }: Upload): number[] {
  return Array.from({ length: Math.ceil(facts.bytes / partBytes) }, (_, i) => i + 1);
}

function sizeOfPart({ facts, partBytes }: Upload, number: number): number {
  return Math.max(0, Math.min(partBytes, facts.bytes - (number - 1) * partBytes));
}

/** The bytes of a part, from 1; throws a `UserError` where the file has become shorter. */
async function partOf(upload: Upload, number: number): Promise<Buffer> {
  const length = sizeOfPart(upload, number);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await upload.handle.read(buffer, 0, length, (number - 1) * upload.partBytes);
  if (bytesRead < length) throw new UserError(`${upload.file} has become shorter while it was uploaded: export again`);
  return buffer;
}

/** What S3 says of an object: its MD5, or that of the MD5s of its parts. */
async function etagOf(upload: Upload): Promise<string> {
  const numbers = partNumbers(upload);
  if (numbers.length <= 1) return md5(await partOf(upload, 1), "hex");
  const all = createHash("md5");
  for (const number of numbers)
    all.update(
      createHash("md5")
        .update(await partOf(upload, number))
        .digest(),
    );
  return `${all.digest("hex")}-${numbers.length}`;
}

function tell({ onProgress, facts, key }: Upload, done: number): void {
  onProgress({ step: `upload of ${key.split("/").slice(-2).join("/")}`, done, total: facts.bytes });
}

const md5 = (bytes: Buffer, encoding: "hex" | "base64") => createHash("md5").update(bytes).digest(encoding);
const unquoted = (etag: string | undefined) => etag?.replaceAll('"', "");
