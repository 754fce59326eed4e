import { halfLives as allHalfLives, decay } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { TfIdf } from "../metrics/tf-idf.ts";
import type { Sizes } from "../protocols/recommender.ts";
import { textKnn } from "./text-knn.ts";

/** Those of the feature store without the month, as the independent implementation has them that the figures are held against. */
const halfLives = allHalfLives.slice(0, 4);

/** The hand-made features of the logistic regression; counts and hours as log(1 + x). */
export const logisticFeatureNames = [
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
export function logisticFeatures(sizes: Sizes, tfIdf?: TfIdf) {
  const text = textKnn(sizes, tfIdf);
  const column = (length = sizes.posts) => new Float64Array(length);
  const [lastActiveAt, cosines, createdAt, commentedAt, words] = Array.from({ length: 5 }, () => column());
  const authors = new Int32Array(sizes.posts).fill(-1);
  /** One row per post, in the order of halfLives, as of lastActiveAt. */
  const recent = column(sizes.posts * halfLives.length);
  const counts = kinds.map(() => column());
  const participants: Set<number>[] = [];
  const authorLast = new Uint8Array(sizes.posts);
  const [posted, received] = [column(sizes.users), column(sizes.users)];
  /** By user, how often they acted on each author's posts; by author, how often each user acted on theirs. */
  const actedOn: Map<number, number>[] = [];
  const actedBy: Map<number, number>[] = [];
  /** Both for the user of the list, one entry per author. */
  const [withAuthor, withUser] = [column(sizes.users), column(sizes.users)];
  let listUser = -1;

  function recentAt(post: number, h: number, at: number): number {
    const count = recent[post * halfLives.length + h];
    const hours = (at - lastActiveAt[post]) / hour;
    // below a millionth it no longer matters, and most posts of a community have been quiet for a long time
    return count === 0 || hours > 20 * halfLives[h] ? 0 : decay(count, hours, halfLives[h]);
  }

  return {
    lastActiveAt,
    train: text.train,
    observe(event: CommunityEvent): void {
      text.observe(event);
      if (event.type === "post") {
        const { post, at, user, title } = event;
        createdAt[post] = at;
        lastActiveAt[post] = at;
        commentedAt[post] = at;
        authors[post] = user;
        participants[post] = new Set();
        words[post] = title.split(/\s+/).length;
        if (user >= 0) posted[user]++;
      } else if (event.type === "interaction") {
        const { post, at, user, kind } = event;
        const author = authors[post];
        for (let h = 0; h < halfLives.length; h++) recent[post * halfLives.length + h] = 1 + recentAt(post, h, at);
        lastActiveAt[post] = at;
        if (kinds[kind] === "comment") commentedAt[post] = at;
        counts[kind][post]++;
        participants[post]?.add(user);
        authorLast[post] = user === author ? 1 : 0;
        if (author < 0 || author === user) return;
        received[author]++;
        increment(actedOn, user, author);
        increment(actedBy, author, user);
      }
    },
    /** Call before `row` for each list: the part that is for all posts at once. */
    begin(user: number, at: number): void {
      text.scores(user, at, cosines);
      for (const author of actedOn[listUser]?.keys() ?? []) withAuthor[author] = 0;
      for (const author of actedBy[listUser]?.keys() ?? []) withUser[author] = 0;
      for (const [author, count] of actedOn[user] ?? []) withAuthor[author] = count;
      for (const [author, count] of actedBy[user] ?? []) withUser[author] = count;
      listUser = user;
    },
    /** One row into `out`, in the order of `logisticFeatureNames`. */
    row(post: number, at: number, out: Float64Array): void {
      const author = authors[post];
      const age = at - createdAt[post];
      let i = 0;
      out[i++] = Math.log1p((at - lastActiveAt[post]) / hour);
      out[i++] = Math.log1p((at - commentedAt[post]) / hour);
      for (let h = 0; h < halfLives.length; h++) out[i++] = Math.log1p(recentAt(post, h, at));
      out[i++] = Math.log1p(age / hour);
      out[i++] = age < 24 * hour ? 1 : 0;
      for (const ofKind of counts) out[i++] = logCount(ofKind[post]);
      out[i++] = logCount(participants[post].size);
      out[i++] = author < 0 ? 0 : logCount(posted[author]);
      out[i++] = author < 0 ? 0 : logCount(received[author]);
      out[i++] = cosines[post];
      out[i++] = logCount(words[post]);
      out[i++] = author < 0 ? 0 : logCount(withAuthor[author]);
      out[i++] = author < 0 ? 0 : logCount(withUser[author]);
      out[i++] = authorLast[post];
    },
  };
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
