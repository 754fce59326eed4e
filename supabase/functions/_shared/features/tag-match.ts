/**
 * Tag similarity of a candidate to the posts that a user recently interacted with. Of the ranker's features, it
 * correlates most with users' true taste in the synthetic community.
 */
import { mostCounted } from "./document-frequency.ts";

interface Tagged {
  tags: string[];
}

/**
 * Cosine of each candidate's tags with the history's, weighted by their idf among the candidates, 0 to 1. Unlike words,
 * tags are not decayed by age: decay made the match worse.
 */
export function tagMatches(history: Tagged[], candidates: Tagged[]): Float64Array {
  const matches = new Float64Array(candidates.length);
  const counts = countsOf(history);
  if (counts.size === 0) return matches;
  const most = mostCounted(candidates.map(({ tags }) => tags.length));
  const idfs = countsOf(candidates.filter(({ tags }) => tags.length <= most));
  for (const [tag, count] of idfs) idfs.set(tag, Math.log((candidates.length + 1) / (count + 1)));
  const unheard = Math.log(candidates.length + 1);
  let square = 0;
  for (const [tag, count] of counts) square += (count * (idfs.get(tag) ?? unheard)) ** 2;
  const interest = Math.sqrt(square);
  for (let i = 0; i < candidates.length; i++) {
    const { tags } = candidates[i];
    let [dot, length] = [0, 0];
    for (let t = 0; t < tags.length; t++) {
      if (isRepeated(tags, t)) continue;
      const weight = (idfs.get(tags[t]) ?? unheard) ** 2;
      dot += weight * (counts.get(tags[t]) ?? 0);
      length += weight;
    }
    if (dot > 0) matches[i] = dot / (Math.sqrt(length) * interest);
  }
  return matches;
}

function countsOf(posts: Tagged[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tags } of posts)
    for (let t = 0; t < tags.length; t++) if (!isRepeated(tags, t)) counts.set(tags[t], (counts.get(tags[t]) ?? 0) + 1);
  return counts;
}

/**
 * Whether a tag occurs earlier in the same post: it counts once, or a post could raise its match by repeating a tag.
 */
function isRepeated(tags: string[], t: number): boolean {
  return tags.indexOf(tags[t]) < t;
}
