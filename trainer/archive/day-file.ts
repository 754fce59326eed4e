/** A day of the exposure log as a Parquet file: all its columns, exactly. */
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { sql } from "kysely";
import type { PoolClient } from "pg";
import { rows } from "../../db/cursor.ts";
import { explainDisk } from "../../db/disk-errors.ts";
import type { OnProgress } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { type FileFacts, ParquetFile } from "../storage/parquet-file.ts";
import {
  decodeRow,
  encodeRow,
  type ImpressionColumn,
  impressionColumnNames,
  impressionParquetTypes,
  RowChecksum,
  sentRow,
} from "./impression-row.ts";

/** Rows of a row group: with 66 features a group is 8 MB. */
const rowsPerGroup = 20_000;

export interface DayWork {
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Writes a table with the columns of the log; the file stands under its name, on the disk, when it is whole. */
export async function writeDayFile(
  client: PoolClient,
  table: string,
  path: string,
  { onProgress, signal }: DayWork,
): Promise<FileFacts> {
  const file = await ParquetFile.create(path, impressionParquetTypes, { isSmall: true }).catch((error) => {
    throw explainDisk(error, path);
  });
  const query = db.selectFrom(sql<Record<string, unknown>>`${sql.raw(table)}`.as("logged")).select(sentRow.as("sent"));
  let columns = emptyColumns();
  let done = 0;
  const flush = async () => {
    await file.append(columns);
    columns = emptyColumns();
    signal.throwIfAborted();
    onProgress({ step: `export of ${table.replace(/.*impressions_/, "")}`, done });
  };
  try {
    for await (const { sent } of rows(client, query)) {
      for (const [i, value] of decodeRow(sent).entries()) columns[impressionColumnNames[i]].push(value);
      if (++done % rowsPerGroup === 0) await flush();
    }
    await flush();
    const facts = await file.close();
    await sync(path);
    await sync(dirname(path));
    return facts;
  } catch (error) {
    throw explainDisk(error, path);
  }
}

/** What a crash of the machine does not take back: a day is dropped from the table after this. */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function emptyColumns(): Record<ImpressionColumn, unknown[]> {
  return Object.fromEntries(impressionColumnNames.map((name) => [name, []])) as unknown as Record<
    ImpressionColumn,
    unknown[]
  >;
}

export type DayRow = Partial<Record<ImpressionColumn, unknown>>;

/** Reads some columns of a day's file, a row group at a time; ids are 16 bytes, instants microseconds since 1970, undefined or null nothing. */
export async function* readDayFile(
  path: string,
  columns: readonly ImpressionColumn[] = impressionColumnNames,
): AsyncGenerator<DayRow[]> {
  const file = await asyncBufferFromFile(path);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(file);
  } catch {
    throw new UserError(`${path} is no Parquet file, or damaged`);
  }
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    yield (await parquetReadObjects({
      file,
      metadata,
      columns: [...columns],
      rowStart,
      rowEnd,
      compressors: { GZIP: (bytes) => gunzipSync(bytes) },
      parsers: { timestampFromMicroseconds: (micros) => micros, uuidFromBytes: (bytes) => bytes },
    })) as DayRow[];
    rowStart = rowEnd;
  }
}

/** What a file holds, read back: how many rows, how many of a promotion, and their checksum. */
export async function summariseDayFile(
  path: string,
  { onProgress, signal }: DayWork,
): Promise<{ rows: number; promoted: number; checksum: string }> {
  const sum = new RowChecksum();
  let promoted = 0;
  for await (const group of readDayFile(path)) {
    signal.throwIfAborted();
    for (const row of group) {
      sum.add(encodeRow(impressionColumnNames.map((name) => row[name])));
      promoted += Number(row.promotion_id !== undefined && row.promotion_id !== null);
    }
    onProgress({ step: "reading it back", done: sum.rows });
  }
  return { rows: sum.rows, promoted, checksum: sum.value };
}
