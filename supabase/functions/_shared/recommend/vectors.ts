/** pgvector's text form, which every driver hands over unparsed. */

/** `[1,2,3]` as numbers. */
export function parseVector(text: string): number[] {
  return JSON.parse(text);
}

/** `{"[1,2]","[3,4]"}`, an array of vectors, as numbers. */
export function parseVectors(text: string): number[][] {
  return JSON.parse(`[${text.slice(1, -1).replaceAll('"', "")}]`);
}
