/** For tests and benchmarks: a community as its bundle has it, without a database. */
import { BundleError, openBundle } from "../../../db/bundle/open-bundle.ts";
import { readPart } from "../../../db/bundle/read-records.ts";
import type { BundlePart, RecordOf } from "../../../db/bundle/records.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { pickRows } from "./columns.ts";
import type { Community, Follows, Interactions } from "./community.ts";

/**
 * The community of a bundle folder, numbered in order of time.
 * @throws BundleError with file, line and reason, also where an interaction names an unknown user or post
 */
export async function communityFromBundle(folder: string): Promise<Community> {
  const files = await openBundle(folder);
  const users = { ids: [] as string[], passions: [] as string[][], projects: [] as string[][], bios: [] as string[] };
  const userTimes: number[] = [];
  await each(files, "users", (user) => {
    users.ids.push(user.id);
    users.passions.push(user.passions);
    users.projects.push(user.projects);
    users.bios.push(user.bio);
    userTimes.push(Date.parse(user.created_at));
  });
  const userNumbers = numbers(users.ids);

  const posts = { ids: [] as string[], titles: [] as string[], descriptions: [] as string[], tags: [] as string[][] };
  const authors: number[] = [];
  const postTimes: number[] = [];
  await each(files, "posts", (post) => {
    posts.ids.push(post.id);
    posts.titles.push(post.title);
    posts.descriptions.push(post.description);
    posts.tags.push(post.tags);
    authors.push(post.author_id === null ? -1 : (userNumbers.get(post.author_id) ?? -1));
    postTimes.push(Date.parse(post.created_at));
  });
  const postNumbers = numbers(posts.ids);

  const interactions = { users: [] as number[], posts: [] as number[], kinds: [] as number[], at: [] as number[] };
  await each(files, "interactions", (interaction, path, line) => {
    const user = userNumbers.get(interaction.user_id);
    const post = postNumbers.get(interaction.post_id);
    if (user === undefined) throw new BundleError(path, line, `user ${interaction.user_id} is not in the bundle`);
    if (post === undefined) throw new BundleError(path, line, `post ${interaction.post_id} is not in the bundle`);
    // a vote against a post is no interaction, as in recsys.source_interactions
    if (interaction.kind === "vote" && (interaction.value ?? 0) < 0) return;
    interactions.users.push(user);
    interactions.posts.push(post);
    interactions.kinds.push(kinds.indexOf(interaction.kind));
    interactions.at.push(Date.parse(interaction.created_at));
  });
  const follows = { users: [] as number[], people: [] as number[], at: [] as number[] };
  await each(files, "follows", ({ user_id, kind, target_id, created_at }, path, line) => {
    if (kind !== "person") return;
    const [user, person] = [user_id, target_id].map((id) => userNumbers.get(id));
    if (user === undefined || person === undefined)
      throw new BundleError(path, line, `${user_id} or ${target_id} is not in the bundle`);
    follows.users.push(user);
    follows.people.push(person);
    follows.at.push(Date.parse(created_at));
  });
  return inOrderOfTime({
    ...(follows.at.length > 0 && {
      follows: {
        users: Int32Array.from(follows.users),
        people: Int32Array.from(follows.people),
        at: Float64Array.from(follows.at),
      },
    }),
    users: { ...users, createdAt: Float64Array.from(userTimes) },
    posts: { ...posts, authors: Int32Array.from(authors), createdAt: Float64Array.from(postTimes) },
    interactions: {
      users: Int32Array.from(interactions.users),
      posts: Int32Array.from(interactions.posts),
      kinds: Uint8Array.from(interactions.kinds),
      at: Float64Array.from(interactions.at),
    },
  });
}

async function each<Part extends BundlePart>(
  files: Awaited<ReturnType<typeof openBundle>>,
  part: Part,
  use: (record: RecordOf<Part>, path: string, line: number) => void,
): Promise<void> {
  const path = files[part]?.path;
  if (path === undefined) return;
  for await (const { records, lines } of readPart(part, path)) {
    for (const [i, record] of records.entries()) use(record, path, lines[i]);
  }
}

function numbers(ids: string[]): Map<string, number> {
  return new Map(ids.map((id, i) => [id, i]));
}

/** A community whose interactions are not in order yet, so that first ones are unknown. */
type Unordered = Omit<Community, "interactions"> & { interactions: Omit<Interactions, "first"> };

/**
 * The same community with users, posts and interactions renumbered in order of their time; equal times keep their order.
 * What existed at an instant then has the numbers from 0 to some last one, which is what the evaluation relies on.
 */
export function inOrderOfTime({ users, posts, interactions, follows }: Unordered): Community {
  const userOrder = orderOf(users.createdAt);
  const postOrder = orderOf(posts.createdAt);
  const newUser = ranksIn(userOrder);
  const newPost = ranksIn(postOrder);
  const ordered = pickRows(interactions, orderOf(interactions.at));
  const renumbered = {
    ...ordered,
    users: ordered.users.map((user) => newUser[user]),
    posts: ordered.posts.map((post) => newPost[post]),
  };
  return {
    users: pickRows(users, userOrder),
    posts: {
      ...pickRows(posts, postOrder),
      authors: Int32Array.from(postOrder, (i) => (posts.authors[i] < 0 ? -1 : newUser[posts.authors[i]])),
    },
    interactions: { ...renumbered, first: markFirst(renumbered, posts.ids.length) },
    ...(follows && { follows: followsInOrder(follows, newUser) }),
  };
}

function followsInOrder(follows: Follows, newUser: Int32Array): Follows {
  const { users, people, at } = pickRows(follows, orderOf(follows.at));
  return { users: users.map((user) => newUser[user]), people: people.map((person) => newUser[person]), at };
}

function orderOf(times: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, i) => i);
  // typed arrays sort stably, too
  return order.sort((a, b) => times[a] - times[b]);
}

function ranksIn(order: Uint32Array): Int32Array {
  const ranks = new Int32Array(order.length);
  for (const [rank, i] of order.entries()) ranks[i] = rank;
  return ranks;
}

/** Marks the earliest of each user's interactions with a post, of interactions in order of time. */
function markFirst(
  { users, posts }: Pick<Community["interactions"], "users" | "posts">,
  postCount: number,
): Uint8Array {
  const seen = new Set<number>();
  return Uint8Array.from(users, (user, i) => {
    const pair = user * postCount + posts[i];
    if (seen.has(pair)) return 0;
    seen.add(pair);
    return 1;
  });
}
