/**
 * A Parquet file that grows by row groups: uncompressed, PLAIN, no dictionaries, so that a reader of 150 lines is enough for it (cluster/parquet.py)
 * and any other reads it too. It stands under its name when it is whole.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { DecodedArray, SchemaElement } from "hyparquet";
import { fileWriter, ParquetWriter } from "hyparquet-writer";

const elements = {
  flag: { type: "BOOLEAN" },
  int: { type: "INT32" },
  long: { type: "INT64" },
  real: { type: "FLOAT" },
  double: { type: "DOUBLE" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  /** To the millisecond, as a Date. */
  instant: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
} satisfies Record<string, Partial<SchemaElement>>;

type ElementName = keyof typeof elements;
/** What a column holds: `int` one in each row, `int?` one or null, `int[]` a list. */
export type ColumnType = ElementName | `${ElementName}?` | `${ElementName}[]`;
export type ColumnTypes = Record<string, ColumnType>;

/** What the manifest says of a file. */
export interface FileFacts {
  /** Of a Parquet file. */
  rows?: number;
  row_groups?: number;
  bytes: number;
  sha256: string;
}

/** Size and checksum of a file. */
export async function factsOf(path: string): Promise<FileFacts> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

export class ParquetFile {
  private readonly path: string;
  private readonly types: ColumnTypes;
  private readonly writer: ParquetWriter;
  private rows = 0;
  private rowGroups = 0;

  private constructor(path: string, types: ColumnTypes) {
    this.path = path;
    this.types = types;
    const fields = Object.entries(types);
    this.writer = new ParquetWriter({
      writer: fileWriter(`${path}.partial`),
      schema: [
        { name: "root", num_children: fields.length },
        ...fields.flatMap(([name, type]) => schemaOf(name, type)),
      ],
      codec: "UNCOMPRESSED",
      statistics: false,
      createdBy: "recsys",
    });
  }

  /** Begins a file, and the folder that it is in. */
  static async create(path: string, types: ColumnTypes): Promise<ParquetFile> {
    await mkdir(dirname(path), { recursive: true });
    return new ParquetFile(path, types);
  }

  /** Writes a row group: each column's values, all of one length. */
  async append(columns: Record<string, ArrayLike<unknown>>): Promise<void> {
    const data = Object.keys(this.types).map((name) => ({ name, data: columns[name] as DecodedArray }));
    const rows = data[0].data.length;
    if (rows === 0) return;
    await this.writer.write({
      columnData: data.map((column) => ({ ...column, encoding: "PLAIN" as const, offsetIndex: false })),
      rowGroupSize: rows,
      // a page a column of a row group
      pageSize: 2 ** 30,
    });
    this.rows += rows;
    this.rowGroups++;
  }

  /** Ends the file and puts it under its name. */
  async close(): Promise<FileFacts> {
    await this.writer.finish();
    await rename(`${this.path}.partial`, this.path);
    return { rows: this.rows, row_groups: this.rowGroups, ...(await factsOf(this.path)) };
  }
}

function schemaOf(name: string, type: ColumnType): SchemaElement[] {
  const element = elements[type.replace(/\?|\[\]/, "") as ElementName] as Partial<SchemaElement>;
  if (!type.endsWith("[]"))
    return [{ ...element, name, repetition_type: type.endsWith("?") ? "OPTIONAL" : "REQUIRED" } as SchemaElement];
  return [
    { name, repetition_type: "REQUIRED", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { ...element, name: "element", repetition_type: "REQUIRED" } as SchemaElement,
  ];
}
