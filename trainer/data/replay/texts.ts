/** What posts and users of a community say, as the towers take it. */

import type { PostInput, UserInput } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import type { Community } from "./community.ts";

export function postText({ posts, users }: Community, post: number): Omit<PostInput, "id_embedding"> {
  return {
    title: posts.titles[post],
    description: posts.descriptions[post],
    tags: posts.tags[post],
    author_id: posts.authors[post] < 0 ? null : users.ids[posts.authors[post]],
    ...(posts.vectors && { vector: posts.vectors[post] }),
  };
}

export function userText({ users }: Community, user: number): Omit<UserInput, "id_embedding" | "history"> {
  return {
    passions: users.passions[user],
    projects: users.projects[user],
    bio: users.bios[user],
    ...(users.vectors && { vector: users.vectors[user] }),
  };
}
