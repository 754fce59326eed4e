import type { ComponentChildren } from "preact";
import { Heading } from "../shared/heading.tsx";
import { Trouble } from "../shared/trouble.tsx";
import { AboutFeed } from "./about-feed.tsx";
import { sayActs } from "./acts.ts";
import { MoreOnScroll } from "./more-on-scroll.tsx";
import { Moved } from "./moved.tsx";
import { PostCard } from "./posts/post-card.tsx";
import { Skeletons } from "./skeletons.tsx";
import type { FeedOf } from "./use-feed.ts";
import { Arrival } from "./write/arrival.tsx";

interface FeedViewProps {
  feed: FeedOf;
  /** Undefined: a visitor, who may look only. */
  userId?: string;
  name: string;
  /** What stands above the posts. */
  children?: ComponentChildren;
}

/** A feed, what moved in it and why, and what it is made from. */
export function FeedView({ feed, userId, name, children }: FeedViewProps) {
  const { items, posts, moved, busy, error, acts } = feed;
  const changes = new Map(moved?.changes.map((change) => [change.post_id, change]));
  return (
    <div class="columns">
      <div class="stack">
        <div class="row spread">
          <Heading text="Your feed" />
          <button type="button" disabled={busy !== undefined} onClick={feed.refresh}>
            {busy === "again" ? "Refreshing …" : "Refresh"}
          </button>
        </div>
        {children}
        {userId && <Arrival feed={feed} userId={userId} />}
        {acts.length > 0 && (
          <div class="pending" role="status">
            <p>Since this feed was made you {sayActs(acts)}.</p>
            <button type="button" class="main" disabled={busy !== undefined} onClick={feed.refresh}>
              Show what moves
            </button>
          </div>
        )}
        {moved && <Moved {...moved} />}
        {error !== undefined && <Trouble error={error} again={feed.retry} />}
        {busy === "first" && <Skeletons />}
        <ol class="stack" aria-label="Posts" aria-busy={busy !== undefined}>
          {items.map((item) => (
            <PostCard
              key={item.post_id}
              item={item}
              posts={posts}
              change={changes.get(item.post_id)}
              isFirstFeed={moved === undefined}
              {...(userId && { act: feed.act, userId })}
            />
          ))}
        </ol>
        {!busy && !error && items.length === 0 && (
          <p class="card soft">Nothing is left that is new to you. Come back later, or write something yourself.</p>
        )}
        <MoreOnScroll feed={feed} />
      </div>
      <AboutFeed feed={feed} name={name} isMember={userId !== undefined} />
    </div>
  );
}
