/** At most `most` of some items, evenly spread over all of them and in their order. */
export function evenlySpread<Item>(items: Item[], most: number): Item[] {
  const length = Math.min(most, items.length);
  return Array.from({ length }, (_, i) => items[Math.floor((i * items.length) / length)]);
}
