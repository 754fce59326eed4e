/** The app's own tables, as this page reads and writes them under its reader's own rights: for an app with other tables, all that is to change here. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Feed, FeedItem } from "../../client/src/index.ts";
import type { Member } from "../../supabase/functions/_local/members.ts";

/** A user's profile; the recommender reads it. */
export interface AppProfile {
  id: string;
  external_id: string | null;
  passions: string[];
  bio: string;
}

/** A user's own profile; null: they have none yet. */
export async function readProfile(supabase: SupabaseClient, id: string): Promise<AppProfile | null> {
  const found: AppProfile[] = await rows(
    supabase.from("profiles").select("id, external_id, passions, bio").eq("id", id),
  );
  return found[0] ?? null;
}

/** Writes it, new or changed. Row level security lets people write their own only. */
export async function saveProfile(
  supabase: SupabaseClient,
  before: AppProfile | null,
  profile: Pick<AppProfile, "id" | "passions" | "bio">,
): Promise<void> {
  const { id, passions, bio } = profile;
  if (before) await rows(supabase.from("profiles").update({ passions, bio }).eq("id", id));
  else await rows(supabase.from("profiles").insert({ id, passions, bio }));
}

/** Words between commas, each once. */
export function wordsBetweenCommas(text: string): string[] {
  const words = text.split(",").map((word) => word.trim().slice(0, 100));
  return [...new Set(words.filter(Boolean))].slice(0, 20);
}

/** The example app has no names: people are known by the id of their import, or by the beginning of their own. */
export function personName({ id, external_id }: Pick<AppProfile, "id" | "external_id">): string {
  return external_id ?? `member ${id.slice(0, 4)}`;
}

/** The names of people whose profiles may be read, by id. */
export async function readNames(supabase: SupabaseClient, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const found = await rows(supabase.from("profiles").select("id, external_id").in("id", ids));
  return new Map(found.map((person) => [person.id, personName(person)]));
}

/** At most 20, who did most first. Only there where config.json says `members`. */
export async function findMembers(search: string): Promise<Member[]> {
  const response = await fetch(`local/members?search=${encodeURIComponent(search)}`);
  const found = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(found?.message ?? "The members cannot be read right now.");
  return found;
}

export interface Mute {
  kind: "person" | "word" | "topic";
  value: string;
}

/** Mutes a person, a word or a topic; a second time changes nothing. */
export async function mute(supabase: SupabaseClient, userId: string, { kind, value }: Mute): Promise<void> {
  await inserted(supabase.from("mutes").insert({ user_id: userId, kind, value }));
}

/** The signed-in user's latest mutes. */
export async function readOwnMutes(supabase: SupabaseClient, userId: string): Promise<Mute[]> {
  const own = supabase.from("mutes").select("kind, value").eq("user_id", userId);
  return await rows(own.order("created_at", { ascending: false }).limit(100));
}

export async function unmute(supabase: SupabaseClient, userId: string, { kind, value }: Mute): Promise<void> {
  await rows(supabase.from("mutes").delete().eq("user_id", userId).eq("kind", kind).eq("value", value));
}

export interface Follow {
  kind: "person" | "topic" | "group";
  value: string;
}

/** Follows a person, a topic or a group, as of `at`; undefined: now. A second time changes nothing. */
export async function follow(
  supabase: SupabaseClient,
  userId: string,
  { kind, value }: Follow,
  at?: number,
): Promise<void> {
  const created_at = at === undefined ? {} : { created_at: new Date(at).toISOString() };
  await inserted(supabase.from("follows").insert({ user_id: userId, kind, target: value, ...created_at }));
}

/** The signed-in user's latest follows, without others' that an app's policies may let them read. */
export async function readFollows(supabase: SupabaseClient, userId: string): Promise<Follow[]> {
  const own = supabase.from("follows").select("kind, target").eq("user_id", userId);
  const found = await rows(own.order("created_at", { ascending: false }).limit(1000));
  return found.map(({ kind, target }) => ({ kind, value: target }));
}

export async function unfollow(supabase: SupabaseClient, userId: string, { kind, value }: Follow): Promise<void> {
  await rows(supabase.from("follows").delete().eq("user_id", userId).eq("kind", kind).eq("target", value));
}

/**
 * A user's choice about their feed: following or impersonal; a topic of which they want more or less; or reposts, to
 * be hidden.
 */
export interface FeedPreference {
  kind: "feed" | "more" | "less" | "hide";
  value: string;
}

/** The signed-in user's own; others' cannot be read. */
export async function readPreferences(supabase: SupabaseClient): Promise<FeedPreference[]> {
  return await rows(supabase.from("preferences").select("kind, value").order("kind").order("value"));
}

/** Takes some back and adds others; what is there already stays. */
export async function prefer(
  supabase: SupabaseClient,
  userId: string,
  gone: FeedPreference[],
  added: FeedPreference[],
): Promise<void> {
  for (const { kind, value } of gone)
    await rows(supabase.from("preferences").delete().eq("user_id", userId).eq("kind", kind).eq("value", value));
  for (const each of added) await inserted(supabase.from("preferences").insert({ user_id: userId, ...each }));
}

/** Wants more or less of a topic, and no longer the other, in whatever letters that was written. */
export async function wantTopic(
  supabase: SupabaseClient,
  userId: string,
  kind: "more" | "less",
  topic: string,
): Promise<void> {
  const value = topic.trim().toLowerCase();
  const other = kind === "more" ? "less" : "more";
  const before = await readPreferences(supabase);
  const gone = before.filter((each) => each.kind === other && each.value.toLowerCase() === value);
  await prefer(supabase, userId, gone, [{ kind, value }]);
}

/** Whether a post of the signed-in user (null: all of theirs) is for their followers alone. */
export async function readWithheld(
  supabase: SupabaseClient,
  author_id: string,
  post_id: string | null,
): Promise<boolean> {
  const found = await rows(supabase.from("withheld").select("post_id").eq("author_id", author_id));
  return found.some((row) => row.post_id === post_id);
}

export async function withhold(
  supabase: SupabaseClient,
  author_id: string,
  post_id: string | null,
  to: boolean,
): Promise<void> {
  const table = supabase.from("withheld");
  if (to) return await inserted(table.insert({ author_id, post_id }));
  const own = table.delete().eq("author_id", author_id);
  await rows(post_id === null ? own.is("post_id", null) : own.eq("post_id", post_id));
}

/** A post as the app knows it. */
export interface AppPost {
  id: string;
  title: string;
  description: string;
  tags: string[];
  author_id: string | null;
  created_at: string;
  /** Name of the author. */
  author: string;
}

/** As it is in the table: an app's own may leave texts null. */
type Row = Pick<AppPost, "id" | "author_id" | "created_at"> & {
  [text in "title" | "description" | "tags"]: AppPost[text] | null;
};

/** The posts of a page of the feed with their authors, by id. Row level security may leave some out; visitors read no names. */
export async function readShownPosts(
  supabase: SupabaseClient,
  ids: string[],
  { names = true } = {},
): Promise<Map<string, AppPost>> {
  if (ids.length === 0) return new Map();
  const columns = "id, title, description, tags, author_id, created_at";
  const found: Row[] = await rows(supabase.from("posts").select(columns).in("id", ids));
  const authors = [...new Set(found.flatMap(({ author_id }) => author_id ?? []))];
  const known = names ? await readNames(supabase, authors) : new Map<string, string>();
  return new Map(
    found.map(({ title, description, tags, ...post }) => [
      post.id,
      {
        ...post,
        title: title ?? "",
        description: description ?? "",
        tags: tags ?? [],
        author: known.get(post.author_id ?? "") ?? "a member",
      },
    ]),
  );
}

/** Stores a post and returns its id; sent again with the same draft_id, because no answer came, it is stored once. */
export async function publishPost(
  supabase: SupabaseClient,
  post: Pick<AppPost, "title" | "description" | "tags"> & { author_id: string; draft_id: string },
): Promise<string> {
  await inserted(supabase.from("posts").insert(post));
  const { author_id, draft_id } = post;
  const [{ id }] = await rows(supabase.from("posts").select("id").eq("author_id", author_id).eq("draft_id", draft_id));
  return id;
}

/** The tags of the newest posts, the most frequent first. */
export async function frequentTags(supabase: SupabaseClient): Promise<string[]> {
  const newest = supabase.from("posts").select("tags").order("created_at", { ascending: false });
  const posts: { tags: string[] }[] = await rows(newest.limit(300));
  const byTag = Map.groupBy(
    posts.flatMap(({ tags }) => tags),
    (tag) => tag,
  );
  const counts = Array.from(byTag, ([tag, { length }]) => [tag, length] as const);
  return counts
    .sort(([, a], [, b]) => b - a)
    .slice(0, 16)
    .map(([tag]) => tag);
}

export interface Comment {
  id: number;
  body: string;
  created_at: string;
  /** Name of the author; undefined: the reader may not read that profile. */
  author: string | undefined;
}

/** The latest comments on a post that say something, the last first. */
export async function readComments(supabase: SupabaseClient, postId: string): Promise<Comment[]> {
  const ofPost = supabase.from("comments").select("id, body, created_at, user_id").eq("post_id", postId);
  const latest: (Omit<Comment, "author"> & { user_id: string })[] = await rows(
    ofPost.order("created_at", { ascending: false }).limit(5),
  );
  const said = latest.filter(({ body }) => body !== "");
  const authors = [...new Set(said.map(({ user_id }) => user_id))];
  // a comment without a name is still a comment
  const names = await readNames(supabase, authors).catch(() => new Map<string, string>());
  return said.map(({ user_id, ...comment }) => ({ ...comment, author: names.get(user_id) }));
}

interface Vote {
  post_id: string;
  /** A rating where the app has one; null: plainly for the post; below 0: against it. */
  value: number | null;
}

/** Which of these posts the signed-in user voted for; others' votes cannot be read. */
export async function readVotes(supabase: SupabaseClient, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return votedFor(await rows(supabase.from("post_votes").select("post_id, value").in("post_id", ids)));
}

/** The posts they voted for, the latest first, of the last `limit` votes; and whether these are all votes. */
export async function readLatestVotes(
  supabase: SupabaseClient,
  limit: number,
): Promise<{ ids: string[]; isAll: boolean }> {
  const latest = supabase.from("post_votes").select("post_id, value").order("created_at", { ascending: false });
  const votes: Vote[] = await rows(latest.limit(limit));
  return { ids: votedFor(votes), isAll: votes.length < limit };
}

function votedFor(votes: Vote[]): string[] {
  return [...new Set(votes.filter(({ value }) => value === null || value >= 0).map(({ post_id }) => post_id))];
}

/** A post of a feed, and which feed that was. */
export type Item = FeedItem & {
  /** The feed it came in, and what that was made from. */
  request_id: string;
  basis: Feed["basis"];
};

/** What a query of supabase-js gives, where it does not fail; its error is thrown. */
async function rows<Data>(query: PromiseLike<{ data: Data | null; error: unknown }>): Promise<Data> {
  const { data, error } = await query;
  if (error) throw error;
  return data as Data;
}

/** Throws why a row was not inserted; one that is there already was. */
async function inserted(query: PromiseLike<{ error: { code: string } | null }>): Promise<void> {
  const { error } = await query;
  // unique_violation
  if (error && error.code !== "23505") throw error;
}
