/** Counts one more post of an author, or another group, and says how many these are; of an unknown author, who is nobody, 0. */
export function countOccurrence<Group>(counts: Map<Group, number>, group: Group | null): number {
  if (group === null) return 0;
  const number = (counts.get(group) ?? 0) + 1;
  counts.set(group, number);
  return number;
}
