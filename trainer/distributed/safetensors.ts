/** Named tensors of 32-bit floats in the format of safetensors: a length, a header in JSON, then the numbers. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { UserError } from "../../db/user-error.ts";
import type { Matrix } from "../models/nn/dense.ts";

/** Longer headers are no weights of ours; the format's own limit. */
const longestHeader = 100_000_000;

/** Writes tensors whole or not at all; `metadata` holds texts alone. */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, Matrix>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  // the numbers begin at a multiple of eight
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  const numbers = Object.values(tensors).map(({ values }) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  );
  await writeFile(`${path}.partial`, Buffer.concat([padded, ...numbers]));
  await rename(`${path}.partial`, path);
}

/** Reads tensors; throws a `UserError` where the file is missing, damaged or holds anything but 32-bit floats. */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Record<string, Matrix>; metadata: Record<string, string> }> {
  const bytes = await readFile(path).catch(() => {
    throw new UserError(`there is no ${path}: train there first (cluster/train.py)`);
  });
  try {
    const length = Number(bytes.readBigUInt64LE());
    if (length > longestHeader || 8 + length > bytes.length) throw new Error("it ends within its header");
    const { __metadata__: metadata = {}, ...named } = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    const tensors: Record<string, Matrix> = {};
    for (const [
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ] of Object.entries<TensorHeader>(named)) {
      if (dtype !== "F32") throw new Error(`${name} is of ${dtype}, not F32`);
      const size = shape.reduce((product, side) => product * side, 1);
      if (to - from !== 4 * size || 8 + length + to > bytes.length) throw new Error(`${name} is cut off`);
      // a copy, because the bytes need not lie at a multiple of four
      const values = new Float32Array(Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to)).buffer);
      tensors[name] = { shape, values };
    }
    return { tensors, metadata };
  } catch (error) {
    throw new UserError(`${path} is no safetensors file of weights (${(error as Error).message}): train again`);
  }
}

interface TensorHeader {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
