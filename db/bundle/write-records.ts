import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type BundlePart, bundleFiles, type RecordOf } from "./records.ts";

const bufferedCharacters = 64 * 1024;

/** Opens a file of the bundle in `folder` for writing; what was there is replaced. The same records give the same bytes. */
export function writeRecords<Part extends BundlePart>(folder: string, part: Part) {
  const gzip = createGzip({ level: 6 });
  const file = createWriteStream(join(folder, bundleFiles[part].name));
  gzip.pipe(file);
  file.on("error", (error) => gzip.destroy(error));
  const written = Promise.all([finished(gzip), finished(file)]);
  written.catch(() => {}); // reported by close()
  let buffered = "";
  let count = 0;
  return {
    /** Resolves when the writer wants more: wait for it, and memory stays constant. */
    write(record: RecordOf<Part>): Promise<void> | undefined {
      count++;
      buffered += `${JSON.stringify(record)}\n`;
      if (buffered.length < bufferedCharacters) return undefined;
      const more = gzip.write(buffered);
      buffered = "";
      return more ? undefined : once(gzip, "drain").then(() => {});
    },
    /** Resolves when everything is on disk, to how many records there are. */
    async close(): Promise<number> {
      gzip.end(buffered);
      await written;
      return count;
    },
  };
}

/** Writes a file of the bundle whole; resolves to how many records there are. */
export async function writeAll<Part extends BundlePart>(
  folder: string,
  part: Part,
  records: Iterable<RecordOf<Part>>,
): Promise<number> {
  const file = writeRecords(folder, part);
  for (const record of records) await file.write(record);
  return await file.close();
}
