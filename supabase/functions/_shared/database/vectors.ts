/** Parsers of pgvector's two formats: text, and the binary one of vector_send. */
import { dimensions } from "../features/history.ts";

/** Parses `[1,2,3]`. */
export function parseVector(text: string): number[] {
  return JSON.parse(text);
}

/** Parses an array of vectors: `{"[1,2]","[3,4]"}`. */
export function parseVectors(text: string): number[][] {
  return JSON.parse(`[${text.slice(1, -1).replaceAll('"', "")}]`);
}

/**
 * Decodes concatenated vectors of one width: pgvector's binary format in base64 without line breaks. Null gives [].
 * Parsing text is about 30 times slower. The vectors share one array, which halves their memory.
 */
export function unpackVectors(base64: string | null, width = dimensions): Float32Array[] {
  if (base64 === null) return [];
  const bytes = bytesOf(base64);
  const view = new DataView(bytes.buffer);
  // each vector: 2 bytes of width, 2 unused bytes, then float32 numbers, all big-endian
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
