/** How many topics a community gets. */

/** Beyond so many nobody looks through them. */
export const mostTopics = 200;

/** A topic of fewer posts says nothing that these do not say themselves: its posts join the next nearest. */
export const fewestPosts = 5;

/**
 * √(n / 2), the usual rule of thumb (Mardia, Kent and Bibby, "Multivariate Analysis", 1979, p. 365): of 2,500 posts 35, of 25,000 112, and 200 from
 * 80,000 on. It is where k-means begins: topics that are too small, or that cannot be told from another, go (settle.ts).
 */
export function numberOfTopics(posts: number): number {
  return Math.min(mostTopics, Math.ceil(Math.sqrt(posts) / 3));
}
