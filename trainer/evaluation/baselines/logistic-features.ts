import { halfLives as allHalfLives, decay } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { TfIdf } from "../metrics/tf-idf.ts";
import type { Sizes } from "../protocols/recommender.ts";
import { TextKnn } from "./text-knn.ts";

/** Those of the feature store without the month, as the independent implementation has them that the figures are held against. */
const halfLives = allHalfLives.slice(0, 4);

/** The hand-made features of the logistic regression; counts and hours as log(1 + x). */
export const logisticFeatures = [
  // momentum
  "idle",
  "comment idle",
  ...halfLives.map((hours) => `recent ${hours} h`),
  // age
  "age",
  "younger than a day",
  // counts
  "views",
  "votes",
  "comments",
  "participants",
  "author's posts",
  "received by author",
  // text
  "cosine",
  "words",
  // affinity
  "user with author",
  "author with user",
  "author was last",
];

/** What the features need to know, kept up to date event by event. */
export class LogisticFeatures {
  readonly lastActiveAt: Float64Array;
  private readonly text: TextKnn;
  private readonly cosines: Float64Array;
  private readonly createdAt: Float64Array;
  private readonly commentedAt: Float64Array;
  private readonly authors: Int32Array;
  /** One row per post, in the order of halfLives, as of lastActiveAt. */
  private readonly recent: Float64Array;
  private readonly counts: Float64Array[];
  private readonly participants: Set<number>[] = [];
  private readonly words: Float64Array;
  private readonly authorLast: Uint8Array;
  private readonly posted: Float64Array;
  private readonly received: Float64Array;
  /** By user, how often they acted on each author's posts; by author, how often each user acted on theirs. */
  private readonly actedOn: Map<number, number>[] = [];
  private readonly actedBy: Map<number, number>[] = [];
  /** Both for the user of the list, one entry per author. */
  private readonly withAuthor: Float64Array;
  private readonly withUser: Float64Array;
  private listUser = -1;

  constructor(sizes: Sizes, tfIdf?: TfIdf) {
    this.text = new TextKnn(sizes, tfIdf);
    const column = (length = sizes.posts) => new Float64Array(length);
    this.lastActiveAt = column();
    this.cosines = column();
    this.createdAt = column();
    this.commentedAt = column();
    this.authors = new Int32Array(sizes.posts).fill(-1);
    this.recent = column(sizes.posts * halfLives.length);
    this.counts = kinds.map(() => column());
    this.words = column();
    this.authorLast = new Uint8Array(sizes.posts);
    this.posted = column(sizes.users);
    this.received = column(sizes.users);
    this.withAuthor = column(sizes.users);
    this.withUser = column(sizes.users);
  }

  train(): void {
    this.text.train();
  }

  observe(event: CommunityEvent): void {
    this.text.observe(event);
    if (event.type === "post") {
      const { post, at, user, title } = event;
      this.createdAt[post] = at;
      this.lastActiveAt[post] = at;
      this.commentedAt[post] = at;
      this.authors[post] = user;
      this.participants[post] = new Set();
      this.words[post] = title.split(/\s+/).length;
      if (user >= 0) this.posted[user]++;
    } else if (event.type === "interaction") {
      const { post, at, user, kind } = event;
      const author = this.authors[post];
      for (const [h, halfLife] of halfLives.entries()) {
        this.recent[post * halfLives.length + h] = 1 + this.recentAt(post, h, halfLife, at);
      }
      this.lastActiveAt[post] = at;
      if (kinds[kind] === "comment") this.commentedAt[post] = at;
      this.counts[kind][post]++;
      this.participants[post]?.add(user);
      this.authorLast[post] = user === author ? 1 : 0;
      if (author < 0 || author === user) return;
      this.received[author]++;
      increment(this.actedOn, user, author);
      increment(this.actedBy, author, user);
    }
  }

  /** Call before `row` for each list: the part that is for all posts at once. */
  begin(user: number, at: number): void {
    this.text.scores(user, at, this.cosines);
    for (const author of this.actedOn[this.listUser]?.keys() ?? []) this.withAuthor[author] = 0;
    for (const author of this.actedBy[this.listUser]?.keys() ?? []) this.withUser[author] = 0;
    for (const [author, count] of this.actedOn[user] ?? []) this.withAuthor[author] = count;
    for (const [author, count] of this.actedBy[user] ?? []) this.withUser[author] = count;
    this.listUser = user;
  }

  /** One row into `out`, in the order of `logisticFeatures`. */
  row(post: number, at: number, out: Float64Array): void {
    const author = this.authors[post];
    const age = at - this.createdAt[post];
    let i = 0;
    out[i++] = Math.log1p((at - this.lastActiveAt[post]) / hour);
    out[i++] = Math.log1p((at - this.commentedAt[post]) / hour);
    for (let h = 0; h < halfLives.length; h++) out[i++] = Math.log1p(this.recentAt(post, h, halfLives[h], at));
    out[i++] = Math.log1p(age / hour);
    out[i++] = age < 24 * hour ? 1 : 0;
    for (const counts of this.counts) out[i++] = logCount(counts[post]);
    out[i++] = logCount(this.participants[post].size);
    out[i++] = author < 0 ? 0 : logCount(this.posted[author]);
    out[i++] = author < 0 ? 0 : logCount(this.received[author]);
    out[i++] = this.cosines[post];
    out[i++] = logCount(this.words[post]);
    out[i++] = author < 0 ? 0 : logCount(this.withAuthor[author]);
    out[i++] = author < 0 ? 0 : logCount(this.withUser[author]);
    out[i++] = this.authorLast[post];
  }

  private recentAt(post: number, h: number, halfLife: number, at: number): number {
    const count = this.recent[post * halfLives.length + h];
    const hours = (at - this.lastActiveAt[post]) / hour;
    // below a millionth it no longer matters, and most posts of a community have been quiet for a long time
    return count === 0 || hours > 20 * halfLife ? 0 : decay(count, hours, halfLife);
  }
}

function increment(maps: Map<number, number>[], of: number, key: number): void {
  maps[of] ??= new Map();
  maps[of].set(key, (maps[of].get(key) ?? 0) + 1);
}

const logs = Float64Array.from({ length: 1024 }, (_, count) => Math.log1p(count));

/** log(1 + count): small counts from a table, because a list needs ten of them for every post. */
function logCount(count: number): number {
  return count < logs.length ? logs[count] : Math.log1p(count);
}
