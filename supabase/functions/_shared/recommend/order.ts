/** What a feed is ordered by. */
export interface Scored {
  score: number;
  post: { post_id: string; created_at: number };
}

/** Highest score first; of equals the newer post, then an arbitrary order that stays the same. */
export function better(a: Scored, b: Scored): number {
  const newer = b.post.created_at - a.post.created_at;
  return b.score - a.score || newer || (a.post.post_id < b.post.post_id ? -1 : 1);
}
