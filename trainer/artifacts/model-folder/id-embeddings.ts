/** Learned ID embeddings by id: what a user's or post's own past taught beyond text, kept next to the graphs. */
import { writeFile } from "node:fs/promises";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { EmbeddingTable } from "../../models/nn/embedding-table.ts";
import { readRegular } from "./read-regular.ts";

export type IdEmbeddings = Map<string, Float32Array>;

/** The rows of a table that training moved away from zero. */
export function idEmbeddingsOf(ids: string[], table: EmbeddingTable): IdEmbeddings {
  const idEmbeddings: IdEmbeddings = new Map();
  for (const [i, id] of ids.entries()) {
    const row = table.weights.values.slice(i * dimensions, (i + 1) * dimensions);
    if (row.some((value) => value !== 0)) idEmbeddings.set(id, row);
  }
  return idEmbeddings;
}

/** Writes `path.ids` (one id per line) and `path.f32` (little-endian rows in that order). */
export async function writeIdEmbeddings(path: string, idEmbeddings: IdEmbeddings): Promise<void> {
  const values = new Float32Array(idEmbeddings.size * dimensions);
  let row = 0;
  for (const id_embedding of idEmbeddings.values()) values.set(id_embedding, row++ * dimensions);
  await writeFile(`${path}.ids`, [...idEmbeddings.keys()].map((id) => `${id}\n`).join(""));
  await writeFile(`${path}.f32`, Buffer.from(values.buffer));
}

/** Reads what `writeIdEmbeddings` wrote; throws where the two files do not fit together. */
export async function readIdEmbeddings(path: string): Promise<IdEmbeddings> {
  const ids = (await readRegular(`${path}.ids`)).toString().split("\n").slice(0, -1);
  const bytes = await readRegular(`${path}.f32`);
  if (bytes.length !== ids.length * dimensions * 4)
    throw new Error(`${path}.f32 has ${bytes.length} bytes for ${ids.length} ids`);
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  return new Map(ids.map((id, i) => [id, values.slice(i * dimensions, (i + 1) * dimensions)]));
}
