import { dimensions } from "../../features/history.ts";
import { innerProduct } from "../../features/inner-product.ts";

/** A post of the user's own history that they may read, as the request found it. */
export interface NamedPost {
  post_id: string;
  title: string;
  /** The post tower's vector [32], of unit length. */
  embedding: ArrayLike<number>;
}

/** The post of the history whose vector is nearest, of equals the latest; undefined: none points in the same direction at all. */
export function nearestInHistory(history: NamedPost[], embedding: ArrayLike<number> | null): NamedPost | undefined {
  if (embedding === null) return undefined;
  let nearest: NamedPost | undefined;
  let highest = 0;
  for (const post of history) {
    const cosine = innerProduct(post.embedding, 0, embedding, 0, dimensions);
    if (cosine > highest) [nearest, highest] = [post, cosine];
  }
  return nearest;
}
