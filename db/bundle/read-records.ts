import type { z } from "zod";
import { BundleError } from "./open-bundle.ts";
import { readLines } from "./read-lines.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "./records.ts";

/** Some records of a file; `lines[i]` is the line of `records[i]`. `bytesRead` counts the compressed file so far. */
interface Records<T> {
  records: T[];
  lines: number[];
  bytesRead: number;
}

/**
 * Reads and validates the records of a gzipped NDJSON file, up to `size` at a time; skips empty lines.
 * @throws BundleError with file, line and reason at the first invalid line
 */
export async function* readRecords<T>(path: string, schema: z.ZodType<T>, size = 5000): AsyncGenerator<Records<T>> {
  let batch: Records<T> = { records: [], lines: [], bytesRead: 0 };
  for await (const { first, lines, bytesRead } of readLines(path)) {
    batch.bytesRead = bytesRead;
    for (let i = 0; i < lines.length; i++) {
      const line = first + i === 1 && lines[i].startsWith("\ufeff") ? lines[i].slice(1) : lines[i];
      if (line.trim() === "") continue;
      batch.records.push(parse(path, first + i, schema, line));
      batch.lines.push(first + i);
      if (batch.records.length === size) {
        yield batch;
        batch = { records: [], lines: [], bytesRead };
      }
    }
  }
  if (batch.records.length > 0) yield batch;
}

/** The same of a bundle's part, by its own schema. */
export function readPart<Part extends BundlePart>(
  part: Part,
  path: string,
  size?: number,
): AsyncGenerator<Records<RecordOf<Part>>> {
  // what the schema gives is what RecordOf says; TypeScript cannot follow it through the index
  return readRecords(path, bundleFiles[part].record as unknown as z.ZodType<RecordOf<Part>>, size);
}

function parse<T>(path: string, line: number, schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BundleError(path, line, "is not JSON");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BundleError(path, line, [issue.path.join("."), issue.message].filter(Boolean).join(": "));
}
