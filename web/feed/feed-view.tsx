import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { nowOf } from "../shared/config.ts";
import { Heading } from "../shared/heading.tsx";
import { useProject } from "../shared/project.ts";
import { Trouble } from "../shared/trouble.tsx";
import { AboutFeed } from "./about-feed.tsx";
import { FailedElsewhere } from "./failed.tsx";
import { Moved } from "./moved.tsx";
import { PendingBar } from "./pending-bar.tsx";
import { PostCard } from "./posts/post-card.tsx";
import { UnfinishedComments } from "./posts/unfinished-comments.tsx";
import { Skeletons } from "./skeletons.tsx";
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

/** Says which day it is in a community from an archive, whose posts would else be "just written" and many months old. */
function ArchiveClock() {
  const { config } = useProject();
  if (!config.clockShift) return null;
  const today = new Date(nowOf(config)).toLocaleDateString("en", { dateStyle: "long" });
  return (
    <p class="hint">
      In this community it is <strong>{today}</strong>: it comes from an archive, and its clock goes on from there.
    </p>
  );
}

/** Asks for the next page when its button comes near; who does not scroll presses it. A page that failed is asked for again here. */
function MoreOnScroll({ feed: { items, feed, busy, error, asked, more, retry } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  const waits = busy === undefined && error === undefined && Boolean(feed?.next);
  useEffect(() => {
    if (!waits || !button.current) return;
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), { rootMargin: "300px" });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [waits, more]);
  if (items.length === 0 || !feed) return null;
  if (error !== undefined && asked === "more") return <Trouble error={error} again={retry} />;
  if (!feed.next) return <p class="soft centred">That is all there is for you.</p>;
  return (
    <button type="button" class="wide" ref={button} disabled={busy !== undefined} onClick={more}>
      {busy === "more" ? "Loading more …" : "More posts"}
    </button>
  );
}

/** Says that the feed is of one tag alone, and shows all of it again. */
function TagFilter({ feed: { tag, only } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  const before = useRef(tag);
  useEffect(() => {
    if (tag === before.current) return;
    before.current = tag;
    // the chip that was pressed may be gone with its card, or be far down
    scrollTo(0, 0);
    button.current?.focus({ preventScroll: true });
  }, [tag]);
  if (tag === undefined) return null;
  return (
    <p class="row spread" role="status">
      <span>
        Only posts about <strong dir="auto">{tag}</strong>
      </span>
      <button type="button" ref={button} onClick={() => only(undefined)}>
        Show all
      </button>
    </p>
  );
}
