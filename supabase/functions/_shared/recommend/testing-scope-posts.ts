/** Posts as recsys_engine.scope_posts packs them, for tests. */
import { Buffer } from "node:buffer";

/** Their ids end with their number; in the order of these. */
export interface PackedPost {
  number: number;
  author: number;
  fresh: number;
  active: number;
  trending: number;
  vector: ArrayLike<number> | null;
}

export function packedPosts(posts: PackedPost[]): string {
  const bytes = Buffer.alloc(176 * posts.length);
  for (const [i, { number, author, fresh, active, trending, vector }] of posts.entries()) {
    const at = 176 * i;
    bytes.writeUInt32BE(number, at + 12);
    bytes.writeInt32BE(author, at + 16);
    for (const [place, figure] of [fresh, active, trending].entries()) bytes.writeDoubleBE(figure, at + 20 + 8 * place);
    if (!vector) continue;
    bytes.writeUInt16BE(32, at + 44);
    for (let d = 0; d < 32; d++) bytes.writeFloatBE(vector[d], at + 48 + 4 * d);
  }
  return bytes.toString("base64");
}
