/** Learned residuals by id: what a user's or post's own past taught beyond text, kept beside the graphs. */
import { readFile, writeFile } from "node:fs/promises";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { EmbeddingTable } from "../engine/embedding-table.ts";

export type Residuals = Map<string, Float32Array>;

/** The rows of a table that training moved away from zero. */
export function residualsOf(ids: string[], table: EmbeddingTable): Residuals {
  const residuals: Residuals = new Map();
  for (const [i, id] of ids.entries()) {
    const row = table.weights.values.slice(i * dimensions, (i + 1) * dimensions);
    if (row.some((value) => value !== 0)) residuals.set(id, row);
  }
  return residuals;
}

/** Writes `path.ids` (an id a line) and `path.f32` (little-endian rows in that order). */
export async function writeResiduals(path: string, residuals: Residuals): Promise<void> {
  const values = new Float32Array(residuals.size * dimensions);
  let row = 0;
  for (const residual of residuals.values()) values.set(residual, row++ * dimensions);
  await writeFile(`${path}.ids`, [...residuals.keys()].map((id) => `${id}\n`).join(""));
  await writeFile(`${path}.f32`, Buffer.from(values.buffer));
}

/** Reads what `writeResiduals` wrote; throws where the two files do not fit together. */
export async function readResiduals(path: string): Promise<Residuals> {
  const ids = (await readFile(`${path}.ids`, "utf8")).split("\n").slice(0, -1);
  const bytes = await readFile(`${path}.f32`);
  if (bytes.length !== ids.length * dimensions * 4)
    throw new Error(`${path}.f32 has ${bytes.length} bytes for ${ids.length} ids`);
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  return new Map(ids.map((id, i) => [id, values.slice(i * dimensions, (i + 1) * dimensions)]));
}
