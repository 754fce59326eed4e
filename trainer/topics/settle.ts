/** How many topics a community gets, and what of k-means' clusters is one: those that are too small go, and their posts join the next nearest. */
import { assign, type Clustering, meansOf } from "./k-means.ts";
import { rowsAt, rowsOf } from "./vectors.ts";

/** Beyond so many nobody looks through them. */
export const mostTopics = 200;

/** A topic of fewer posts says nothing that these do not say themselves: its posts join the next nearest. */
export const fewestPosts = 5;

/**
 * √n / 3, rounded up: of 2,500 posts 17, of 25,000 54, and 200 from 360,000 on. It is where k-means begins; topics that are too small go (`settle`). With
 * √(n / 2), the usual rule of thumb (Mardia, Kent and Bibby, "Multivariate Analysis", 1979), travel-se had six topics on visas for the UK and seven
 * on those for Schengen.
 */
export function numberOfTopics(posts: number): number {
  return Math.min(mostTopics, Math.ceil(Math.sqrt(posts) / 3));
}

/** Clusters of `fewestPosts` at least, the smallest dissolved first; one stays, however small, where there are posts. */
export async function settle(vectors: Float32Array, { centroids, nearest }: Clustering): Promise<Clustering> {
  const sizes = sizesOf(nearest, rowsOf(centroids));
  const largest = sizes.indexOf(Math.max(...sizes));
  const stay = Array.from(sizes.keys()).filter((c) => sizes[c] >= fewestPosts || (c === largest && sizes[c] > 0));
  const place = new Map(stay.map((c, place) => [c, place]));
  const left = rowsAt(centroids, stay);
  const settled = nearest.map((c) => place.get(c) ?? -1);
  const homeless = Array.from(settled.keys()).filter((i) => settled[i] < 0);
  const joined = await assign(rowsAt(vectors, homeless), left);
  for (const [number, i] of homeless.entries()) settled[i] = joined.nearest[number];
  const means = meansOf(vectors, settled, stay.length).centroids;
  return withoutEmpty(means, await assign(vectors, means));
}

/** That a cluster is nearest to nothing any more is rare, and then it may go without changing anything. */
function withoutEmpty(centroids: Float32Array, assigned: Omit<Clustering, "centroids">): Clustering {
  const sizes = sizesOf(assigned.nearest, rowsOf(centroids));
  const stay = Array.from(sizes.keys()).filter((c) => sizes[c] > 0);
  const place = new Map(stay.map((c, place) => [c, place]));
  return {
    centroids: rowsAt(centroids, stay),
    similarity: assigned.similarity,
    nearest: assigned.nearest.map((c) => place.get(c) ?? -1),
  };
}

function sizesOf(nearest: Int32Array, k: number): Int32Array {
  const sizes = new Int32Array(k);
  for (const c of nearest) sizes[c]++;
  return sizes;
}
