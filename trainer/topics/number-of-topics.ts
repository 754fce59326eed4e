/** How many topics a community gets. */

/** Beyond so many nobody looks through them. */
export const mostTopics = 200;

/** A topic of fewer posts says nothing that these do not say themselves: its posts join the next nearest. */
export const fewestPosts = 5;

/**
 * √n / 3, rounded up: of 2,500 posts 17, of 25,000 54, and 200 from 360,000 on. It is where k-means begins; topics that are too small go (settle.ts). With
 * √(n / 2), the usual rule of thumb (Mardia, Kent and Bibby, "Multivariate Analysis", 1979), travel-se had six topics on visas for the UK and seven
 * on those for Schengen.
 */
export function numberOfTopics(posts: number): number {
  return Math.min(mostTopics, Math.ceil(Math.sqrt(posts) / 3));
}
