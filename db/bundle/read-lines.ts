import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { BundleError } from "./open-bundle.ts";

/** A longer line is no record of a community; without a limit a file without line ends would fill the memory. */
export const maxLineBytes = 4 * 1024 * 1024;

/** Some lines of a file; `first` is the number of the first one, from 1. `bytesRead` counts the compressed file so far. */
interface Lines {
  first: number;
  lines: string[];
  bytesRead: number;
}

/**
 * Reads the lines of a gzipped text file chunk by chunk, so memory does not grow with the file.
 * @throws BundleError when it is not gzip, is cut off, is not UTF-8 or has a line over `maxLineBytes`
 */
export async function* readLines(file: string): AsyncGenerator<Lines> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  const unzipped = createGunzip({ chunkSize: 256 * 1024 });
  // the error reaches the loop below through `unzipped`; the callback only keeps it from being thrown twice
  pipeline(source, unzipped, () => {});
  let first = 1;
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf(10);
      if (end >= 0) {
        const whole = rest.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...rest, chunk.subarray(0, end)]);
        const lines = decode(file, first, whole);
        yield { first, lines, bytesRead: source.bytesRead };
        first += lines.length;
        rest = [];
        restBytes = 0;
      }
      if (end + 1 < chunk.length) {
        rest.push(chunk.subarray(end + 1));
        restBytes += chunk.length - end - 1;
      }
      if (restBytes > maxLineBytes) throw tooLong(file, first);
    }
  } catch (error) {
    throw error instanceof BundleError
      ? error
      : readError(file, first, source.bytesRead, error as NodeJS.ErrnoException);
  } finally {
    source.destroy();
  }
  if (restBytes > 0) yield { first, lines: decode(file, first, Buffer.concat(rest)), bytesRead: source.bytesRead };
}

function decode(file: string, first: number, bytes: Buffer): string[] {
  if (isUtf8(bytes)) {
    const lines = bytes.toString("utf8").split("\n");
    const long = bytes.length > maxLineBytes ? lines.findIndex((line) => Buffer.byteLength(line) > maxLineBytes) : -1;
    if (long >= 0) throw tooLong(file, first + long);
    return lines;
  }
  let line = first;
  for (let start = 0; start <= bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    if (!isUtf8(bytes.subarray(start, end < 0 ? bytes.length : end)) || end < 0) break;
    start = end + 1;
  }
  throw new BundleError(file, line, "is not UTF-8");
}

function tooLong(file: string, line: number): BundleError {
  return new BundleError(file, line, `is longer than ${maxLineBytes / 1024 / 1024} MB`);
}

function readError(file: string, line: number, bytesRead: number, error: NodeJS.ErrnoException): BundleError {
  switch (error.code) {
    case "ENOENT":
      return new BundleError(file, undefined, "no such file");
    case "EACCES":
      return new BundleError(file, undefined, "may not be read; check its permissions");
    case "EISDIR":
      return new BundleError(file, undefined, "is a folder, not a file");
    case "Z_BUF_ERROR":
      if (bytesRead === 0) return new BundleError(file, undefined, "is empty, not even gzip; write it with gzip");
      return new BundleError(file, line, "the file is cut off here; copy it again");
    case "Z_DATA_ERROR":
      return bytesRead <= 256 * 1024 && line === 1 && /header/.test(error.message)
        ? new BundleError(file, undefined, "is not gzip; compress it with gzip")
        : new BundleError(file, line, `the compressed data is damaged from here on (${error.message}); copy it again`);
    default:
      return new BundleError(file, line, error.message);
  }
}
