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

/**
 * Vectors of one width in pgvector's binary form, one after the other, in base64 without line breaks; null: none. As PostgreSQL's own text of
 * bytes, 130 of them took Deno 1.3 ms to read, and so 0.04. They share one array: with one of its own each takes twice the memory.
 */
export function unpackVectors(base64: string | null, width = dimensions): Float32Array[] {
  if (base64 === null) return [];
  const bytes = bytesOf(base64);
  const view = new DataView(bytes.buffer);
  // two bytes for the width, two that are unused, then the numbers, big-endian
  const stride = 4 + 4 * width;
  const count = bytes.byteLength / stride;
  const numbers = new Float32Array(count * width);
  for (let i = 0; i < count; i++)
    for (let d = 0; d < width; d++) numbers[i * width + d] = view.getFloat32(i * stride + 4 + 4 * d);
  return Array.from({ length: count }, (_, i) => numbers.subarray(i * width, (i + 1) * width));
}

export function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
