/** A file out of a bucket. */
import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DeleteObjectCommand, GetObjectCommand, type GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { explainDisk } from "../../db/disk-errors.ts";
import { UserError } from "../../db/user-error.ts";
import { asking, type Bucket } from "./bucket.ts";

/** Reads an object into a file; one that breaks off goes on from where it was, five times. Throws a `UserError` where it is not there. */
export async function downloadFile(bucket: Bucket, path: string, file: string, signal?: AbortSignal): Promise<void> {
  const key = `${bucket.prefix}${path}`;
  await asking(bucket, signal, async () => {
    let done = 0;
    for (let attempt = 1; ; attempt++) {
      const { Body, ContentLength = 0 } = await get(bucket, path, key, done, signal);
      const output = createWriteStream(file, { flags: done === 0 ? "w" : "r+", start: done });
      const expected = done + ContentLength;
      try {
        await pipeline(Body as Readable, output, { ...(signal && { signal }) });
        if (done + output.bytesWritten === expected) return;
      } catch (error) {
        const explained = explainDisk(error, file);
        if (explained !== error || attempt === 5 || signal?.aborted) throw explained;
      }
      done += output.bytesWritten;
    }
  });
}

async function get(
  bucket: Bucket,
  path: string,
  key: string,
  from: number,
  abortSignal: AbortSignal | undefined,
): Promise<GetObjectCommandOutput> {
  try {
    return await bucket.client.send(
      new GetObjectCommand({ Bucket: bucket.name, Key: key, ...(from > 0 && { Range: `bytes=${from}-` }) }),
      { ...(abortSignal && { abortSignal }) },
    );
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") throw new UserError(`${bucket.url}/${path} is not there: bring it back`);
    throw error;
  }
}

/** Removes an object; one that is not there is no error. */
export async function deleteObject(bucket: Bucket, path: string): Promise<void> {
  await asking(bucket, undefined, async () => {
    await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: `${bucket.prefix}${path}` }));
  });
}
