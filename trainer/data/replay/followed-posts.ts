/** What the sources `followed` and `topic` bring (supabase/schemas/retrieval), and the turns that they take. */

import { interleaveTopics } from "../../../supabase/functions/_shared/features/interleave-topics.ts";
import { partialSources, retrieval, sources } from "../../../supabase/functions/_shared/features/retrieval.ts";
import { authorCappedPosts } from "./author-cap.ts";
import type { Community } from "./community.ts";

interface Asked {
  /** How often the user interacted with the posts of each other author. */
  affinities: Map<number, number>;
  /** Whom the user follows, the latest first. */
  follows: number[];
  /** The posts of each topic that they follow, the newest first. */
  topics: Iterable<number>[];
  /** Whether a post may be in the feed at work. */
  eligible(post: number): boolean;
}

/** `postsOf`: by author, the newest last. */
export function followedPosts(
  { affinities, follows, topics, eligible }: Asked,
  { users, posts: { authors } }: Community,
  postsOf: Map<number, number[]>,
): number[] {
  const habit = [...affinities].sort(
    ([a, often], [b, oftener]) => oftener - often || (users.ids[a] < users.ids[b] ? -1 : 1),
  );
  const known = new Set(follows);
  const others = habit.slice(0, retrieval.followedAuthors).map(([author]) => author);
  const newest = (people: number[]) => newestBy(people, postsOf, eligible);
  const posts = [...newest(follows), ...newest(others.filter((author) => !known.has(author)))];
  return interleaveTopics(
    authorCappedPosts(posts, authors, sources.followed).posts,
    topics.map((topic) => authorCappedPosts(only(topic, eligible), authors, partialSources.topic).posts),
    (post) => (authors[post] < 0 ? null : authors[post]),
  );
}

function newestBy(people: number[], postsOf: Map<number, number[]>, eligible: Asked["eligible"]): number[] {
  const posts = people.flatMap((author) => {
    const newest: number[] = [];
    const theirs = postsOf.get(author) ?? [];
    for (let i = theirs.length - 1; i >= 0 && newest.length < sources.followed.size; i--)
      if (eligible(theirs[i])) newest.push(theirs[i]);
    return newest;
  });
  return posts.sort((a, b) => b - a);
}

/** Those of some posts that are eligible. */
function* only(posts: Iterable<number>, eligible: Asked["eligible"]): Generator<number> {
  for (const post of posts) if (eligible(post)) yield post;
}
