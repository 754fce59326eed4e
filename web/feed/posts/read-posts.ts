import type { SupabaseClient } from "@supabase/supabase-js";
import { rows } from "../../shared/rows.ts";
import { type Named, nameOf } from "../people/profile.ts";

/** A post as the app knows it. */
export interface Post {
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
type Row = Pick<Post, "id" | "author_id" | "created_at"> & {
  [text in "title" | "description" | "tags"]: Post[text] | null;
};

/** The posts of a page of the feed with their authors, by id. Row level security may leave some out; visitors read no names. */
export async function readPosts(
  supabase: SupabaseClient,
  ids: string[],
  { names = true } = {},
): Promise<Map<string, Post>> {
  if (ids.length === 0) return new Map();
  const columns = "id, title, description, tags, author_id, created_at";
  const found: Row[] = await rows(supabase.from("posts").select(columns).in("id", ids));
  const authors = [...new Set(found.flatMap(({ author_id }) => author_id ?? []))];
  const people: Named[] =
    names && authors.length > 0
      ? await rows(supabase.from("profiles").select("id, external_id").in("id", authors))
      : [];
  const byId = new Map(people.map((person) => [person.id, person]));
  return new Map(
    found.map(({ title, description, tags, ...post }) => [
      post.id,
      {
        ...post,
        title: title ?? "",
        description: description ?? "",
        tags: tags ?? [],
        author: nameOf(post.author_id ? byId.get(post.author_id) : undefined),
      },
    ]),
  );
}

interface Vote {
  post_id: string;
  /** A rating where the app has one; null: plainly for the post; below 0: against it. */
  value: number | null;
}

/** Which of these posts whoever is signed in voted for: nobody else's votes can be read. */
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
