import { lstat, readFile } from "node:fs/promises";

/** More no file of a model has: the ID embeddings of a million people are 128 MB. */
const mostBytes = 1_000_000_000;

/** The bytes of a file; throws where it is a link, a folder, a pipe or a device, which may never end or lie elsewhere. */
export async function readRegular(path: string): Promise<Buffer> {
  const found = await lstat(path);
  if (!found.isFile()) throw new Error(`${path} is no regular file`);
  if (found.size > mostBytes) throw new Error(`${path} has more than ${mostBytes} bytes`);
  return await readFile(path);
}
