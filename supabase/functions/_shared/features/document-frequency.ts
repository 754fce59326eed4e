/**
 * Maximum number of words or tags of a candidate that counts in document frequencies: four times the mean of those with
 * any. Without it, a post with the words of all others would lower their idf and so change the ranking of others.
 */
export function mostCounted(lengths: ArrayLike<number>): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < lengths.length; i++) {
    sum += lengths[i];
    if (lengths[i] > 0) count++;
  }
  return count > 0 ? (4 * sum) / count : 0;
}
