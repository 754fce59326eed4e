/** Posts by last activity, the latest first: a linked list over post numbers, so that an event moves its post in constant time. */
export class ActivityOrder {
  /** The latest active post; −1: there is none. */
  head = -1;
  /** By post, the next one of the list, which was last active before it; −1 for the last. */
  readonly after: Int32Array;
  private readonly before: Int32Array;
  private readonly listed: Uint8Array;

  constructor(posts: number) {
    this.before = new Int32Array(posts).fill(-1);
    this.after = new Int32Array(posts).fill(-1);
    this.listed = new Uint8Array(posts);
  }

  /** Makes a post the latest active one; adds it where it is new. */
  moveToFront(post: number): void {
    if (this.head === post) return;
    if (this.listed[post]) {
      const [before, after] = [this.before[post], this.after[post]];
      this.after[before] = after;
      if (after >= 0) this.before[after] = before;
    }
    this.listed[post] = 1;
    this.before[post] = -1;
    this.after[post] = this.head;
    if (this.head >= 0) this.before[this.head] = post;
    this.head = post;
  }

  /** The posts for which `is` holds. */
  *posts(is: (post: number) => boolean): Iterable<number> {
    for (let post = this.head; post >= 0; post = this.after[post]) if (is(post)) yield post;
  }

  /** The first `count` posts. */
  first(count: number): number[] {
    const found: number[] = [];
    for (let post = this.head; post >= 0 && found.length < count; post = this.after[post]) found.push(post);
    return found;
  }
}
