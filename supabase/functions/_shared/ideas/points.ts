/** What to speak of: words and phrases of the topic, and of the posts nearest to an idea to which most people came. */
import { words } from "../features/words.ts";

const pointsAtMost = 3;

/** Up to three terms that the title does not say already, those of the nearest successful titles first, then the topic's own. */
export function pointsFor(title: string, candidates: readonly string[]): string[] {
  const said = new Set(words(title));
  const points: string[] = [];
  for (const candidate of candidates) {
    const parts = words(candidate);
    if (parts.length === 0 || parts.some((word) => said.has(word))) continue;
    points.push(candidate);
    for (const word of parts) said.add(word);
    if (points.length === pointsAtMost) break;
  }
  return points;
}
