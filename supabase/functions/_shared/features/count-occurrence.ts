/** Counts one more post of an author (or another group) and returns the new count; 0 for null, an unknown author. */
export function countOccurrence<Group>(counts: Map<Group, number>, group: Group | null): number {
  if (group === null) return 0;
  const number = (counts.get(group) ?? 0) + 1;
  counts.set(group, number);
  return number;
}
