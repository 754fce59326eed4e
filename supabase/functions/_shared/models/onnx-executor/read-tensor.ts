import { asBytes, asInteger, asText, readFields, readIntegers } from "./protobuf.ts";
import { sizeOf, type Value } from "./tensor.ts";

const float = 1;
const int64 = 7;
const bool = 9;

/** Reads a TensorProto: raw little-endian data, or its typed fields. Throws on other element types and on a wrong size. */
export function readTensor(bytes: Uint8Array): { name: string; value: Value } {
  let name = "";
  let type = 0;
  const dims: number[] = [];
  let raw: Uint8Array | undefined;
  const floats: Uint8Array[] = [];
  const integers: bigint[] = [];
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) for (const dim of readIntegers(value)) dims.push(Number(dim));
    else if (number === 2) type = asInteger(value);
    else if (number === 4) floats.push(asBytes(value));
    else if (number === 5 || number === 7) for (const each of readIntegers(value)) integers.push(each);
    else if (number === 8) name = asText(value);
    else if (number === 9) raw = asBytes(value);
    else if (number === 13 || (number === 14 && value !== 0n))
      throw new Error(`tensor ${name} is kept outside the file`);
  }
  const data = raw ? fromRaw(raw, type) : fromFields(floats, integers, type);
  if (!data)
    throw new Error(`tensor ${JSON.stringify(name)} is not float32, int64 or bool (ONNX element type ${type})`);
  if (dims.some((dim) => dim < 0) || data.length !== sizeOf(dims)) {
    throw new Error(`tensor ${JSON.stringify(name)} holds ${data.length} elements, not [${dims.join(", ")}]`);
  }
  return { name, value: { type: type === float ? "float32" : type === int64 ? "int64" : "bool", data, dims } as Value };
}

function fromRaw(raw: Uint8Array, type: number): Value["data"] | undefined {
  const width = type === float ? 4 : type === int64 ? 8 : 1;
  if (raw.length % width !== 0) throw new Error("the model is truncated or corrupt");
  // A copy, because the bytes inside a file stand at any offset and typed arrays want theirs aligned. Not by slice(),
  // which copies nothing where the bytes come as a Node Buffer.
  const aligned = new Uint8Array(raw);
  if (type === float) return new Float32Array(aligned.buffer);
  if (type === int64) return new BigInt64Array(aligned.buffer);
  return type === bool ? aligned : undefined;
}

function fromFields(floats: Uint8Array[], integers: bigint[], type: number): Value["data"] | undefined {
  if (type === int64) return BigInt64Array.from(integers);
  if (type === bool) return Uint8Array.from(integers, Number);
  if (type !== float) return undefined;
  const joined = new Uint8Array(floats.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of floats) {
    joined.set(part, offset);
    offset += part.length;
  }
  return fromRaw(joined, float);
}
