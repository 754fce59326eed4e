import type { BundleFile } from "../bundle/open-bundle.ts";
import { readRecords } from "../bundle/read-records.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";

/** Rows of one file: read, new to the database, and there before (or twice in the file). */
export interface PartReport {
  read: number;
  added: number;
  existing: number;
}

/** Puts a batch into the database and resolves to the number of new rows. References are resolved before the first await. */
export type Insert<T> = (records: T[], lines: number[], file: string) => Promise<number>;

/** Rows an insert statement takes: larger ones gain nothing, and memory grows with them. */
const batchRows = 5000;

/** Streams one file into the database: while one batch is being inserted, the next one is read. */
export async function importPart<Part extends BundlePart>(
  part: Part,
  file: BundleFile | undefined,
  insert: Insert<RecordOf<Part>>,
  { onProgress, signal }: { onProgress: OnProgress; signal?: AbortSignal },
): Promise<PartReport> {
  const report = { read: 0, added: 0, existing: 0 };
  if (file === undefined) return report;
  const step = `import ${part}`;
  let inserting = Promise.resolve(0);
  // what the schema gives is what RecordOf says; TypeScript cannot follow it through the index
  const schema = bundleFiles[part].record as unknown as Parameters<typeof readRecords<RecordOf<Part>>>[1];
  for await (const { records, lines, bytesRead } of readRecords(file.path, schema, batchRows)) {
    report.added += await inserting;
    signal?.throwIfAborted();
    inserting = insert(records, lines, file.path);
    inserting.catch(() => {}); // thrown by the await above or below
    report.read += records.length;
    // the number of rows is only known at the end; until then the share of the file that was read gives an estimate
    onProgress({ step, done: report.read, total: Math.round((report.read * file.bytes) / Math.max(1, bytesRead)) });
  }
  report.added += await inserting;
  report.existing = report.read - report.added;
  onProgress({ step, done: report.read, total: report.read });
  return report;
}
