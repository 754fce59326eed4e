import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Heading } from "../shared/heading.tsx";
import { Trouble } from "../shared/trouble.tsx";
import { AboutFeed } from "./about-feed.tsx";
import { ArchiveClock } from "./archive-clock.tsx";
import { MoreOnScroll } from "./more-on-scroll.tsx";
import { Moved } from "./moved.tsx";
import { PendingBar } from "./pending-bar.tsx";
import { FailedElsewhere } from "./posts/failed-elsewhere.tsx";
import { PostCard } from "./posts/post-card.tsx";
import { UnfinishedComments } from "./posts/unfinished-comments.tsx";
import { Skeletons } from "./skeletons.tsx";
import { TagFilter } from "./tag-filter.tsx";
import type { FeedOf } from "./use-feed.ts";
import { usePlace } from "./use-place.ts";
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
  const { items, tag, moved, busy, error, place } = feed;
  const changes = new Map(moved?.changes.map((change) => [change.post_id, change]));
  // what its reader was told before they looked at another view is no news
  const told = useRef(moved);
  const goesOn = useRef(place.current !== undefined);
  usePlace(place);
  return (
    <div class="columns">
      <div class="stack">
        <div class="row spread">
          <Heading text="Your feed" goesOn={goesOn.current} />
          <button type="button" disabled={busy !== undefined} onClick={feed.refresh}>
            {busy === "again" ? "Refreshing …" : "Refresh"}
          </button>
        </div>
        <ArchiveClock />
        {children}
        {userId && <Arrival feed={feed} userId={userId} />}
        {userId && <UnfinishedComments feed={feed} userId={userId} />}
        <FailedElsewhere feed={feed} />
        <TagFilter feed={feed} />
        <PendingBar feed={feed} isMember={userId !== undefined} />
        {moved && <Moved feed={feed} {...moved} isNews={moved !== told.current} />}
        {error !== undefined && !feed.feed && <Trouble error={error} again={feed.retry} />}
        {busy === "first" && !feed.feed && <Skeletons />}
        <ol class="stack" aria-label="Posts" aria-busy={busy !== undefined}>
          {items.map((item) => (
            <PostCard
              key={item.post_id}
              item={item}
              feed={feed}
              change={changes.get(item.post_id)}
              {...(userId && { userId })}
            />
          ))}
        </ol>
        {!busy && !error && items.length === 0 && (
          <p class="card soft" dir="auto">
            Nothing {tag !== undefined && `about ${tag} `}is left that is new to you. Come back later, or write
            something yourself.
          </p>
        )}
        <MoreOnScroll feed={feed} />
      </div>
      <AboutFeed feed={feed} name={name} isMember={userId !== undefined} />
    </div>
  );
}
