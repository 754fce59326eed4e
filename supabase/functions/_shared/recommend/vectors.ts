/** pgvector's two forms: text, which every driver hands over unparsed, and binary, which vector_send gives. */
import { dimensions } from "../features/history.ts";

/** `[1,2,3]` as numbers. */
export function parseVector(text: string): number[] {
  return JSON.parse(text);
}

/** `{"[1,2]","[3,4]"}`, an array of vectors, as numbers. */
export function parseVectors(text: string): number[][] {
  return JSON.parse(`[${text.slice(1, -1).replaceAll('"', "")}]`);
}

/** Vectors [32] in pgvector's binary form, one after the other; null: none. */
export function unpackVectors(bytes: Uint8Array | null): Float32Array[] {
  if (bytes === null) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // two bytes for the width, two that are unused, then the numbers, big-endian
  const stride = 4 + 4 * dimensions;
  return Array.from({ length: bytes.byteLength / stride }, (_, i) => {
    const vector = new Float32Array(dimensions);
    for (let d = 0; d < dimensions; d++) vector[d] = view.getFloat32(i * stride + 4 + 4 * d);
    return vector;
  });
}
