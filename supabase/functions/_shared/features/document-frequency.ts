/**
 * The most words or tags that a candidate may have to count in document frequencies, where the candidates have so many: four times the mean of those that
 * have any. A post with the words of all others makes each of these less common, so others are matched and ranked anew. Eighteen such posts, edited one at a
 * time, changed 1.0 % of the places of 60 of 400 people in the mean, and had none of them; now .4 %, less than any other text. By eight times the
 * mean, a post that just counts changed .6 %.
 */
export function mostCounted(lengths: ArrayLike<number>): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < lengths.length; i++) {
    sum += lengths[i];
    if (lengths[i] > 0) count++;
  }
  return count > 0 ? (4 * sum) / count : 0;
}
