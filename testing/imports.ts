import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const imported = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.{1,2}\/[^"]+)"/gm;

/** What a file imports of this repository, as paths from `root` as the file's own is; what it imports while it runs is not among it. */
export function importsOf(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(imported)].map(([, from]) => join(dirname(file), from));
}
