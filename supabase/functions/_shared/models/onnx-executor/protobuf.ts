/** One field of a protobuf message: its number and its value, by wire type (0 varint, 1 and 2 bytes, 5 float bits). */
export interface Field {
  number: number;
  /** Varints as bigint (64-bit, signed), everything else as its bytes. */
  value: bigint | Uint8Array;
}

const cutShort = "the model is truncated or corrupt";

/**
 * Reads a protobuf message field by field; nested messages are read by calling it on a field's bytes. A generated reader
 * would cost 330 KB and 30 ms of start-up for the few messages that a graph is made of. Throws on malformed bytes.
 */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;

  function take(length: number): Uint8Array {
    if (length > bytes.length - offset) throw new Error(cutShort);
    offset += length;
    return bytes.subarray(offset - length, offset);
  }

  while (offset < bytes.length) {
    let varint: [bigint, number] = readVarint(view, offset);
    offset = varint[1];
    const number = Number(varint[0] >> 3n);
    const wireType = Number(varint[0] & 7n);
    if (number < 1) throw new Error(cutShort);
    if (wireType === 0 || wireType === 2) {
      varint = readVarint(view, offset);
      offset = varint[1];
    }
    if (wireType === 0) yield { number, value: varint[0] };
    else if (wireType === 2) yield { number, value: take(toLength(varint[0])) };
    else if (wireType === 5) yield { number, value: take(4) };
    else if (wireType === 1) yield { number, value: take(8) };
    else throw new Error(cutShort);
  }
}

/** The integers of a repeated int64 field, which may be packed (bytes) or come one by one (bigint). */
export function readIntegers(value: bigint | Uint8Array): bigint[] {
  if (typeof value === "bigint") return [value];
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const integers: bigint[] = [];
  for (let offset = 0; offset < value.length; ) {
    const [integer, next] = readVarint(view, offset);
    integers.push(integer);
    offset = next;
  }
  return integers;
}

/** A field that must be bytes (a string, a nested message, packed numbers). */
export function asBytes(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === "bigint") throw new Error(cutShort);
  return value;
}

/** A field that must be an integer which a number holds exactly. */
export function asInteger(value: bigint | Uint8Array): number {
  const integer = Number(asBigint(value));
  if (!Number.isSafeInteger(integer)) throw new Error(cutShort);
  return integer;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A field that must be a name in UTF-8; without control characters, so that messages with it stay on one line. */
export function asText(value: bigint | Uint8Array): string {
  const bytes = asBytes(value);
  if (bytes.some((byte) => byte < 0x20)) throw new Error(cutShort);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error(cutShort);
  }
}

function asBigint(value: bigint | Uint8Array): bigint {
  if (typeof value !== "bigint") throw new Error(cutShort);
  return value;
}

function toLength(value: bigint): number {
  if (value < 0n || value > 0x7fffffffn) throw new Error(cutShort);
  return Number(value);
}

function readVarint(view: DataView, offset: number): [bigint, number] {
  // Nearly all are short: bigint arithmetic only from the fifth byte on.
  let small = 0;
  for (let place = 0; place < 4; place++) {
    if (offset >= view.byteLength) throw new Error(cutShort);
    const byte = view.getUint8(offset++);
    small |= (byte & 0x7f) << (7 * place);
    if (byte < 0x80) return [BigInt(small), offset];
  }
  let value = BigInt(small);
  for (let place = 4; place < 10; place++) {
    if (offset >= view.byteLength) throw new Error(cutShort);
    const byte = view.getUint8(offset++);
    value |= BigInt(byte & 0x7f) << BigInt(7 * place);
    if (byte < 0x80) return [BigInt.asIntN(64, value), offset];
  }
  throw new Error(cutShort);
}
