/** Where the files of archived days are kept: a folder, or a bucket that speaks S3's protocol. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { explainDisk } from "../../db/disk-errors.ts";
import { UserError } from "../../db/user-error.ts";
import { type FileFacts, factsOf } from "../storage/parquet-file.ts";
import type { UploadWork } from "../storage/upload.ts";
import type { ArchivedPart } from "./archived-days.ts";

export interface Store {
  /** As recsys_engine.archived_days has it. */
  location: string;
  /** Takes over a file that was written into the folder of the command. */
  put(file: string, path: string, facts: FileFacts): Promise<void>;
  /** Lends a file to read: throws a `UserError` where it is not there, or not what was written. */
  lend<Result>(part: ArchivedPart, use: (file: string) => Promise<Result>): Promise<Result>;
  remove(path: string): Promise<void>;
}

/** The store of a location of recsys_engine.archived_days. */
export async function storeAt(location: string): Promise<Store> {
  return location.startsWith("s3://") ? await bucketStore(location) : folderStore(location);
}

/** Files in a bucket: written here, uploaded, and no longer here then; downloaded for as long as they are read. */
export async function bucketStore(url: string, work?: UploadWork): Promise<Store> {
  // only where it is needed: it takes a quarter of a second
  const { openBucket } = await import("../storage/bucket.ts");
  const { uploadFile } = await import("../storage/upload.ts");
  const { deleteObject, downloadFile } = await import("../storage/download.ts");
  const bucket = openBucket(url);
  return {
    location: bucket.url,
    async put(file, path, facts) {
      if (work === undefined) throw new UserError(`${url} is only read here`);
      await uploadFile(bucket, path, file, facts, work);
      await rm(file);
    },
    async lend(part, use) {
      const folder = await mkdtemp(join(tmpdir(), "recsys-"));
      try {
        const file = join(folder, "day.parquet");
        await downloadFile(bucket, part.path, file);
        await requireSame(file, part);
        return await use(file);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    async remove(path) {
      await deleteObject(bucket, path);
    },
  };
}

/** Files that stay where they were written. */
export function folderStore(folder: string): Store {
  const location = resolve(folder);
  return {
    location,
    async put() {},
    async lend(part, use) {
      const file = join(location, part.path);
      await requireSame(file, part);
      return await use(file);
    },
    async remove(path) {
      await rm(join(location, path), { force: true });
    },
  };
}

/** Throws a `UserError` where a file is not the one that was archived. */
export async function requireSame(file: string, { day, bytes, sha256 }: ArchivedPart): Promise<void> {
  const found = await factsOf(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new UserError(
        `${file}, which holds ${day} of the exposure log, is not there: bring it back, or say in recsys_engine.archived_days.location where it is`,
      );
    throw explainDisk(error, file);
  });
  if (found.bytes !== bytes || found.sha256 !== sha256)
    throw new UserError(
      `${file} is not what was archived of ${day} (${found.bytes} bytes, sha256 ${found.sha256.slice(0, 12)}…; then ${bytes}, ${sha256.slice(0, 12)}…): bring back the file as it was`,
    );
}
