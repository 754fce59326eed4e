/** A map of the posts: their vectors in the two directions in which they differ most (principal components: Pearson 1901). */
import { PCA } from "ml-pca";

export interface Point {
  x: number;
  y: number;
}

/**
 * `vectors` [N, d] in two dimensions. The directions are those of the `centres` where there are three or more, the topics' means, so that the map
 * shows what topics are apart in; else those of the vectors.
 */
export function projected(vectors: number[][], centres: number[][]): Point[] {
  if (vectors.length < 3) return vectors.map((_, i) => ({ x: i, y: 0 }));
  const directions = new PCA(centres.length >= 3 ? centres : vectors, { nCompNIPALS: 2 });
  return directions
    .predict(vectors, { nComponents: 2 })
    .to2DArray()
    .map(([x, y = 0]) => ({ x, y }));
}
