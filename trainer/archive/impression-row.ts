/**
 * A row of recsys.impressions as PostgreSQL sends it in binary (record_send), which is exact for each type: an instant to the microsecond, a real to
 * its last bit. What is read back of a Parquet file becomes the same bytes again, so that both have one checksum.
 */
import { createHash } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import type { ColumnType } from "../storage/parquet-file.ts";

type SqlType = "uuid" | "smallint" | "timestamptz" | "real" | "text" | "bigint" | "real[]" | "boolean" | "jsonb";

/** All columns of the log; a test holds them against the table. */
export const impressionColumns = {
  request_id: "uuid",
  user_id: "uuid",
  post_id: "uuid",
  position: "smallint",
  shown_at: "timestamptz",
  seen_at: "timestamptz",
  score: "real",
  source: "text",
  model_id: "bigint",
  variant: "text",
  features: "real[]",
  explored: "boolean",
  propensity: "real",
  view_probability: "real",
  vote_probability: "real",
  comment_probability: "real",
  optional_probabilities: "jsonb",
  degraded: "text",
  team: "smallint",
  promotion_id: "bigint",
  mode: "text",
} satisfies Record<string, SqlType>;

export type ImpressionColumn = keyof typeof impressionColumns;
export const impressionColumnNames = Object.keys(impressionColumns) as ImpressionColumn[];
const types: SqlType[] = Object.values(impressionColumns);

/** What stands in the columns of a row group, by name; undefined: null. */
export type ImpressionValues = Record<ImpressionColumn, unknown[]>;

/** One row, in the order of impressionColumnNames. */
type Row = unknown[];

/** What each is called in PostgreSQL's protocol, and how Parquet holds it. */
const encodings: Record<SqlType, { oid: number; parquet: ColumnType }> = {
  uuid: { oid: 2950, parquet: "uuid" },
  smallint: { oid: 21, parquet: "int" },
  timestamptz: { oid: 1184, parquet: "micros" },
  real: { oid: 700, parquet: "real" },
  text: { oid: 25, parquet: "text" },
  bigint: { oid: 20, parquet: "long" },
  "real[]": { oid: 1021, parquet: "real[]?" },
  boolean: { oid: 16, parquet: "flag" },
  jsonb: { oid: 3802, parquet: "text" },
};
const realOid = 700;

const required: ImpressionColumn[] = ["request_id", "user_id", "post_id", "position", "shown_at", "explored", "mode"];

/** The columns of an archived day's file. */
export const impressionParquetTypes = Object.fromEntries(
  impressionColumnNames.map((name) => {
    const { parquet } = encodings[impressionColumns[name]];
    return [name, required.includes(name) || parquet.endsWith("?") ? parquet : (`${parquet}?` as ColumnType)];
  }),
) as Record<ImpressionColumn, ColumnType>;

/** From 1970 to 2000, where PostgreSQL's instants begin. What overflows 64 bits, such as infinity, wraps round and back. */
const epochMicros = 946_684_800_000_000n;
const wrapped = (micros: bigint) => BigInt.asIntN(64, micros);

/** A row of a table with the log's columns, as it is sent. */
export const sentRow: RawBuilder<Buffer> = sql`record_send(row(${sql.join(impressionColumnNames.map((name) => sql.ref(name)))}))`;

/** Over a table's rows, in whatever order: of each the first 64 bits of its sha256, signed, summed. */
export const checksumOfTable: RawBuilder<string> = sql`coalesce(sum(('x' || encode(substring(sha256(${sentRow}) from 1 for 8), 'hex'))::bit(64)::bigint), 0)::text`;

/** The same of rows one by one. */
export class RowChecksum {
  rows = 0;
  private sum = 0n;

  add(sent: Uint8Array): void {
    this.sum += createHash("sha256").update(sent).digest().readBigInt64BE(0);
    this.rows++;
  }

  get value(): string {
    return `${this.sum}`;
  }
}

/** The values of a row that was sent. */
export function decodeRow(sent: Buffer): Row {
  let at = 4;
  return types.map((type) => {
    const bytes = sent.readInt32BE(at + 4);
    const from = at + 8;
    at = from + Math.max(0, bytes);
    return bytes < 0 ? undefined : decode(sent, type, from, at);
  });
}

function decode(sent: Buffer, type: SqlType, from: number, to: number): unknown {
  switch (type) {
    case "uuid":
      return sent.subarray(from, to);
    case "smallint":
      return sent.readInt16BE(from);
    case "bigint":
      return sent.readBigInt64BE(from);
    case "timestamptz":
      return wrapped(sent.readBigInt64BE(from) + epochMicros);
    case "real":
      return sent.readFloatBE(from);
    case "text":
      return sent.toString("utf8", from, to);
    case "boolean":
      return sent[from] === 1;
    case "jsonb":
      // after the version
      return sent.toString("utf8", from + 1, to);
    case "real[]":
      return decodeReals(sent, from);
  }
}

/** Dimensions, whether any is null, the type of the elements; the number of elements and the first one's index; the elements. */
function decodeReals(sent: Buffer, from: number): (number | undefined)[] {
  if (sent.readInt32BE(from) === 0) return [];
  const reals: (number | undefined)[] = new Array(sent.readInt32BE(from + 12));
  let at = from + 20;
  for (let i = 0; i < reals.length; i++) {
    const isNull = sent.readInt32BE(at) < 0;
    reals[i] = isNull ? undefined : sent.readFloatBE(at + 4);
    at += isNull ? 4 : 8;
  }
  return reals;
}

/** Room for a row as it is sent: it grows. */
let room = Buffer.alloc(65_536);

/** The bytes of a row; they hold until the next call. */
export function encodeRow(row: Row): Buffer {
  const needed = 4 + row.reduce<number>((sum, value) => sum + 8 + sizeBound(value), 0);
  if (needed > room.length) room = Buffer.alloc(2 * needed);
  let at = room.writeInt32BE(row.length, 0);
  for (const [i, value] of row.entries()) {
    at = room.writeInt32BE(encodings[types[i]].oid, at);
    const from = at + 4;
    const isNull = value === undefined || value === null;
    at = isNull ? from : encode(value, types[i], from);
    room.writeInt32BE(isNull ? -1 : at - from, from - 4);
  }
  return room.subarray(0, at);
}

function sizeBound(value: unknown): number {
  if (typeof value === "string") return 1 + 3 * value.length;
  return Array.isArray(value) ? 20 + 8 * value.length : 16;
}

function encode(value: unknown, type: SqlType, at: number): number {
  switch (type) {
    case "uuid":
      room.set(value as Uint8Array, at);
      return at + 16;
    case "smallint":
      return room.writeInt16BE(value as number, at);
    case "bigint":
      return room.writeBigInt64BE(value as bigint, at);
    case "timestamptz":
      return room.writeBigInt64BE(wrapped((value as bigint) - epochMicros), at);
    case "real":
      return room.writeFloatBE(value as number, at);
    case "text":
      return at + room.write(value as string, at, "utf8");
    case "boolean":
      return room.writeUInt8(Number(value), at);
    case "jsonb":
      return room.writeUInt8(1, at) + room.write(value as string, at + 1, "utf8");
    case "real[]":
      return encodeReals(value as (number | null | undefined)[], at);
  }
}

function encodeReals(reals: (number | null | undefined)[], from: number): number {
  const nulls = reals.some((real) => real === undefined || real === null);
  let at = room.writeInt32BE(reals.length === 0 ? 0 : 1, from);
  at = room.writeInt32BE(Number(nulls), at);
  at = room.writeInt32BE(realOid, at);
  if (reals.length === 0) return at;
  at = room.writeInt32BE(reals.length, at);
  at = room.writeInt32BE(1, at);
  for (const real of reals)
    if (real === undefined || real === null) at = room.writeInt32BE(-1, at);
    else at = room.writeFloatBE(real, room.writeInt32BE(4, at));
  return at;
}
