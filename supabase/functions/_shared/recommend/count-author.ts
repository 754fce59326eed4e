/** Counts one more post of an author and says how many these are; of an unknown author, who is nobody, 0. */
export function counted(counts: Map<string, number>, { author_id }: { author_id: string | null }): number {
  if (author_id === null) return 0;
  const number = (counts.get(author_id) ?? 0) + 1;
  counts.set(author_id, number);
  return number;
}
