/**
 * The posts of a feed with other things at fixed places, counted from 1: `withPlaces(items, { 3: banner, 9: survey })`. Posts keep their order and
 * none is lost. A place behind the last post waits for the next page, so what stands does not move when that comes.
 */
export function withPlaces<Item, Other>(
  items: readonly Item[],
  others: Readonly<Record<number, Other>>,
): (Item | Other)[] {
  const all: (Item | Other)[] = [];
  for (const item of items) {
    while (all.length + 1 in others) all.push(others[all.length + 1]);
    all.push(item);
  }
  return all;
}
