import type { BundleFile } from "../bundle/open-bundle.ts";
import { readRecords } from "../bundle/read-records.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";

/** What became of a batch's rows: new, or there before with another text. The others were there as they are. */
export interface WrittenRows {
  added: number;
  updated: number;
}

/** Rows of one file: read, new to the database, updated, and there before as they are (or twice in the file). */
export interface PartReport extends WrittenRows {
  read: number;
  existing: number;
}

/** Puts a batch into the database. References are resolved before the first await. */
export type Insert<T> = (records: T[], lines: number[], file: string) => Promise<WrittenRows>;

/** Rows an insert statement takes: larger ones gain nothing, and memory grows with them. */
const batchRows = 5000;

/** Streams one file into the database: while one batch is being inserted, the next one is read. */
export async function importPart<Part extends BundlePart>(
  part: Part,
  file: BundleFile | undefined,
  insert: Insert<RecordOf<Part>>,
  { onProgress, signal }: { onProgress: OnProgress; signal?: AbortSignal },
): Promise<PartReport> {
  const report = { read: 0, added: 0, updated: 0, existing: 0 };
  const count = ({ added, updated }: WrittenRows) => {
    report.added += added;
    report.updated += updated;
  };
  if (file === undefined) return report;
  const step = `import ${part}`;
  let inserting = Promise.resolve({ added: 0, updated: 0 });
  // what the schema gives is what RecordOf says; TypeScript cannot follow it through the index
  const schema = bundleFiles[part].record as unknown as Parameters<typeof readRecords<RecordOf<Part>>>[1];
  for await (const { records, lines, bytesRead } of readRecords(file.path, schema, batchRows)) {
    count(await inserting);
    signal?.throwIfAborted();
    inserting = insert(records, lines, file.path);
    inserting.catch(() => {}); // thrown by the await above or below
    report.read += records.length;
    // the number of rows is only known at the end; until then the share of the file that was read gives an estimate
    onProgress({ step, done: report.read, total: Math.round((report.read * file.bytes) / Math.max(1, bytesRead)) });
  }
  count(await inserting);
  report.existing = report.read - report.added - report.updated;
  onProgress({ step, done: report.read, total: report.read });
  return report;
}
