/** Rows that are numbered through all shards: each row group is written by one of them, and its number follows from shard and place. */
import { join } from "node:path";
import type { OnProgress } from "../../db/progress.ts";
import { type ColumnTypes, type FileFacts, ParquetFile } from "../storage/parquet-file.ts";
import { isOfShard, type Shard, suffixOf } from "./shard.ts";

/** Where a shard's examples go, and what becomes of each file. */
export interface ExampleFiles {
  /** The export's folder. */
  folder: string;
  shard: Shard;
  /** By path within the folder. */
  facts: Record<string, FileFacts>;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** Writes this shard's row groups of some rows; `columnsOf` gives the columns of the rows from one to before another. */
export async function writeRowGroups(
  { folder, shard, facts, onProgress = () => {}, signal }: ExampleFiles,
  name: string,
  types: ColumnTypes,
  { rows, perGroup }: { rows: number; perGroup: number },
  columnsOf: (from: number, to: number) => Record<string, ArrayLike<unknown>>,
): Promise<void> {
  const path = `${name}${suffixOf(shard)}.parquet`;
  const file = await ParquetFile.create(join(folder, path), types);
  for (let group = 0; group * perGroup < rows; group++) {
    if (!isOfShard(group, shard)) continue;
    signal?.throwIfAborted();
    const to = Math.min(rows, (group + 1) * perGroup);
    await file.append(columnsOf(group * perGroup, to));
    onProgress({ step: `export of ${name}`, done: to, total: rows });
    await new Promise(setImmediate);
  }
  facts[path] = await file.close();
}

/** A column of some rows. */
export function eachOf<Value>(from: number, to: number, of: (row: number) => Value): Value[] {
  return Array.from({ length: to - from }, (_, i) => of(from + i));
}
