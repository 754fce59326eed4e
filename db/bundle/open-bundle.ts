import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../user-error.ts";
import { type BundlePart, bundleFiles } from "./records.ts";

/** A file of a bundle that is there; `bytes` is its compressed size. */
export interface BundleFile {
  path: string;
  bytes: number;
}

/**
 * Finds the files of a bundle before anything is read, so that a missing one costs no time.
 * @throws BundleError when the folder or a required file is missing or may not be read
 */
export async function openBundle(folder: string): Promise<Partial<Record<BundlePart, BundleFile>>> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    throw new BundleError(folder, undefined, error.code === "ENOENT" ? "no such folder" : error.message);
  });
  if (!found.isDirectory())
    throw new BundleError(folder, undefined, "is not a folder; name the folder with users.ndjson.gz");
  const files: Partial<Record<BundlePart, BundleFile>> = {};
  for (const [part, { name, required }] of Object.entries(bundleFiles)) {
    const file = await openFile(join(folder, name), required);
    if (file !== undefined) files[part as BundlePart] = file;
  }
  return files;
}

async function openFile(path: string, required: boolean): Promise<BundleFile | undefined> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new BundleError(path, undefined, "is not a file");
    await access(path, constants.R_OK);
    return { path, bytes: file.size };
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT") throw new BundleError(path, undefined, "may not be read; check its permissions");
    const unzipped = path.replace(/\.gz$/, "");
    const isUnzipped = await access(unzipped).then(
      () => true,
      () => false,
    );
    if (isUnzipped) throw new BundleError(unzipped, undefined, "must be compressed; run gzip on it");
    if (required) throw new BundleError(path, undefined, "is missing; a bundle has users, posts and interactions");
    return undefined;
  }
}

/** What is wrong with a bundle, as one line for its owner: `file:line: reason` (line is left out where the whole file is meant). */
export class BundleError extends UserError {
  override name = "BundleError";
  readonly file: string;
  readonly line: number | undefined;
  readonly reason: string;

  constructor(file: string, line: number | undefined, reason: string) {
    super(line === undefined ? `${file}: ${reason}` : `${file}:${line}: ${reason}`);
    this.file = file;
    this.line = line;
    this.reason = reason;
  }
}

/** sha256 over the files of a bundle, in hex: the same bundle has the same digest wherever it lies. */
export async function bundleDigest(folder: string): Promise<string> {
  const files = await openBundle(folder);
  const hash = createHash("sha256");
  for (const [part, file] of Object.entries(files)) {
    hash.update(`${part} ${file.bytes}\n`);
    for await (const chunk of createReadStream(file.path)) hash.update(chunk);
  }
  return hash.digest("hex");
}
