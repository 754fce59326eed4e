/**
 * Counts distinct authors per key, up to three. What fewer authors use is private to them and never reused, so fewer
 * than three accounts cannot plant words in others' ideas.
 */

export const severalAuthors = 3;

export class DistinctAuthorCounts<Key> {
  private readonly places = new Map<Key, number>();
  private authors = new Int32Array(1024 * severalAuthors).fill(-1);

  /** `author`: a number from 0; negative numbers (unknown authors) do not count. */
  add(key: Key, author: number): void {
    if (author < 0) return;
    let place = this.places.get(key);
    if (place === undefined) {
      place = this.places.size;
      this.places.set(key, place);
      if ((place + 1) * severalAuthors > this.authors.length) this.grow();
    }
    for (let i = place * severalAuthors; i < (place + 1) * severalAuthors; i++) {
      if (this.authors[i] === author) return;
      if (this.authors[i] >= 0) continue;
      this.authors[i] = author;
      return;
    }
  }

  /** 0 to 3; 3 also means more. */
  count(key: Key): number {
    const place = this.places.get(key);
    if (place === undefined) return 0;
    let count = 0;
    while (count < severalAuthors && this.authors[place * severalAuthors + count] >= 0) count++;
    return count;
  }

  keys(): Iterable<Key> {
    return this.places.keys();
  }

  private grow(): void {
    const authors = new Int32Array(2 * this.authors.length).fill(-1);
    authors.set(this.authors);
    this.authors = authors;
  }
}
