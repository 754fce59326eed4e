/** Posts as recsys_engine.scope_candidates packs them, for tests. */
/** Their ids end with their number; in the order of these. */
export interface PackedPost {
  number: number;
  author: number;
  fresh: number;
  active: number;
  trending: number;
  popular: number;
  vector: ArrayLike<number> | null;
}

export function packedPosts(posts: PackedPost[]): string {
  const view = new DataView(new ArrayBuffer(184 * posts.length));
  for (const [i, { number, author, fresh, active, trending, popular, vector }] of posts.entries()) {
    const at = 184 * i;
    view.setUint32(at + 12, number);
    view.setInt32(at + 16, author);
    for (const [place, figure] of [fresh, active, trending, popular].entries())
      view.setFloat64(at + 20 + 8 * place, figure);
    if (!vector) continue;
    view.setUint16(at + 52, 32);
    for (let d = 0; d < 32; d++) view.setFloat32(at + 56 + 4 * d, vector[d]);
  }
  let text = "";
  for (const byte of new Uint8Array(view.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}
