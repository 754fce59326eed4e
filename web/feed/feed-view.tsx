import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { nowOf } from "../shared/config.ts";
import { Button, Heading, Trouble } from "../shared/elements.tsx";
import { useProject } from "../shared/project.ts";
import { AboutFeed } from "./about-feed.tsx";
import { FailedElsewhere } from "./failed.tsx";
import { TrainingBar } from "./first-training.tsx";
import { Skeletons } from "./layout.tsx";
import { NewPostsButton } from "./new-posts.tsx";
import { PendingBar } from "./pending-bar.tsx";
import { UnfinishedComments } from "./posts/comments.tsx";
import { PostCard } from "./posts/post-card.tsx";
import { Moved } from "./rank-changes.tsx";
import { usePlace, useTheFeed } from "./use-feed.ts";
import { Arrival } from "./write/arrival.tsx";

interface FeedViewProps {
  name: string;
  /** What stands above the posts. */
  children?: ComponentChildren;
}

/** A feed, what moved in it and why, and what it is made from. */
export function FeedView({ name, children }: FeedViewProps) {
  const feed = useTheFeed();
  const { userId, items, tag, moved, busy, error, place } = feed;
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
          <Button disabled={busy !== undefined} onClick={feed.refresh}>
            {busy === "again" ? "Refreshing …" : "Refresh"}
          </Button>
        </div>
        <ArchiveClock />
        <TrainingBar />
        {children}
        {userId && <Arrival />}
        {userId && <UnfinishedComments />}
        <FailedElsewhere />
        <TagFilter />
        <PendingBar />
        <NewPostsButton />
        {moved && <Moved {...moved} isNews={moved !== told.current} />}
        {error !== undefined && !feed.feed && <Trouble error={error} again={feed.retry} />}
        {busy === "first" && !feed.feed && <Skeletons />}
        <ol class="stack" aria-label="Posts" aria-busy={busy !== undefined}>
          {items.map((item) => (
            <PostCard key={item.post_id} item={item} change={changes.get(item.post_id)} />
          ))}
        </ol>
        {!busy && !error && items.length === 0 && (
          <p class="card soft" dir="auto">
            {feed.feed?.basis === "follows" ? "Nobody and nothing that you follow has " : "Nothing "}
            {tag !== undefined && `about ${tag} `}
            {feed.feed?.basis === "follows" ? "a post for you." : "is left that is new to you."} Come back later, or
            write something yourself.
          </p>
        )}
        <MoreOnScroll />
      </div>
      <AboutFeed name={name} />
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
function MoreOnScroll() {
  const { items, feed, busy, error, asked, more, retry } = useTheFeed();
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
function TagFilter() {
  const { feed, tag, only } = useTheFeed();
  const button = useRef<HTMLButtonElement>(null);
  const before = useRef(feed && { tag });
  useEffect(() => {
    const last = before.current;
    if (feed) before.current = { tag };
    // an address may say it from the beginning
    if (!last || last.tag === tag) return;
    // the chip that was pressed may be gone with its card, or be far down
    scrollTo(0, 0);
    button.current?.focus({ preventScroll: true });
  }, [feed, tag]);
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
