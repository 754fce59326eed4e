import type { FeedOf } from "../use-feed.ts";
import { Comments } from "./comments.tsx";
import type { Post } from "./read-posts.ts";
import { TagChip } from "./topic-chips.tsx";

interface OpenedPostProps {
  post: Post | undefined;
  feed: FeedOf;
  /** Undefined: a visitor, who may read only. */
  userId?: string;
}

/** The text of a post, who wrote it, and what others wrote below. */
export function OpenedPost({ post, feed, userId }: OpenedPostProps) {
  if (!post) return <p class="opened soft">Its text is not to be had right now.</p>;
  const { description, tags, author, created_at } = post;
  return (
    <div class="opened stack">
      <p class="text" dir="auto">
        {description || <span class="soft">Its title says it all.</span>}
      </p>
      <p class="row soft">
        {author} · {new Date(created_at).toLocaleDateString("en", { dateStyle: "medium" })}
        {tags.map((tag) => (
          <TagChip key={tag} tag={tag} feed={feed} />
        ))}
      </p>
      {userId ? (
        <Comments post={post} feed={feed} userId={userId} />
      ) : (
        <a href="#people">Sign in to vote and comment</a>
      )}
    </div>
  );
}
