/** The neighbours of posts, next to a model's graphs: a line of JSON for each post that has any. */
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import type { IdNeighbours } from "../../data/replay/neighbours.ts";
import { readRegular } from "./read-regular.ts";

const line = z.tuple([z.guid(), z.array(z.tuple([z.guid(), z.int32().positive()]))]);

export async function writeNeighboursFile(path: string, neighbours: IdNeighbours): Promise<void> {
  await writeFile(path, [...neighbours].map((each) => `${JSON.stringify(each)}\n`).join(""));
}

/** Throws where a line is none that `writeNeighboursFile` wrote. */
export async function readNeighboursFile(path: string): Promise<IdNeighbours> {
  const lines = (await readRegular(path)).toString().split("\n").slice(0, -1);
  return new Map(lines.map((each) => line.parse(JSON.parse(each))));
}
