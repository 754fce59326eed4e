import { useLayoutEffect, useRef } from "preact/hooks";
import { nowOf } from "../../shared/config.ts";
import { useProject } from "../../shared/project.ts";
import { Failed } from "../failed.tsx";
import type { Change } from "../feed-changes.ts";
import type { Item } from "../item.ts";
import { dismissalOf } from "../marks.ts";
import type { FeedOf } from "../use-feed.ts";
import { OpenedPost } from "./opened-post.tsx";
import { PostActs } from "./post-acts.tsx";
import { PredictedReactions } from "./predicted-reactions.tsx";
import { sayAge } from "./say-age.ts";
import { sayWhy } from "./say-why.ts";
import { TopicChips } from "./topic-chips.tsx";

interface PostCardProps {
  item: Item;
  feed: FeedOf;
  /** Undefined: it kept its place. */
  change: Change | undefined;
  /** Whoever may act; undefined: a visitor, who may look only. */
  userId?: string;
}

/** A post of the feed: why it is there, what its reader is expected to do, and what they can do. */
export function PostCard({ item, feed, change, userId }: PostCardProps) {
  const { post_id, title } = item;
  const { posts, opened, marks, moved, act, toggle } = feed;
  const post = posts.get(post_id);
  const isOpen = opened.has(post_id);
  const isDismissed = marks.get(dismissalOf(post_id)) ?? false;
  const isFirstFeed = moved === undefined;
  const card = useRef<HTMLLIElement>(null);
  useKeptFocus(card, isDismissed);

  function open(): void {
    toggle(post_id);
    if (!isOpen) act({ kind: "view", post_id, title });
  }

  if (isDismissed)
    return (
      <li class="card post dismissed" id={post_id} ref={card}>
        <DismissedPost title={title} undo={() => act({ kind: "undismiss", post_id, title })} />
        <Failed feed={feed} place={post_id} />
      </li>
    );
  return (
    <li class="card post" id={post_id} ref={card} data-moved={change && !isFirstFeed ? "" : undefined}>
      <p class="row above">
        <span class="place">{item.position}</span>
        <TopicChips item={item} feed={feed} />
        {!isFirstFeed && change && <ChangeBadge change={change} />}
      </p>
      <h2>
        <button type="button" class="plain title" dir="auto" aria-expanded={isOpen} onClick={open}>
          {title}
        </button>
      </h2>
      <CardByline item={item} author={post?.author} />
      {!isOpen && item.excerpt && (
        <p class="excerpt" dir="auto">
          {item.excerpt}
        </p>
      )}
      <p class="why">{sayWhy(item.why, item.basis, posts)}</p>
      <PredictedReactions predictions={item.predictions} isExplained={item.position === 1} />
      {userId && <PostActs item={item} feed={feed} isOpen={isOpen} open={open} />}
      <Failed feed={feed} place={post_id} />
      {isOpen && <OpenedPost post={post} feed={feed} {...(userId && { userId })} />}
    </li>
  );
}

/** Dismissing, and its undoing, take the button away that was pressed: the focus goes to the first one that comes in its place. */
function useKeptFocus(card: { readonly current: HTMLElement | null }, isDismissed: boolean): void {
  const before = useRef(isDismissed);
  useLayoutEffect(() => {
    if (before.current !== isDismissed && (document.activeElement ?? document.body) === document.body)
      card.current?.querySelector<HTMLElement>("button:not(.chip)")?.focus({ preventScroll: true });
    before.current = isDismissed;
  }, [isDismissed]);
}

/** Who wrote a post, and how long ago. `author`: their name; undefined: not to be had. */
function CardByline({ item, author }: { item: Item; author: string | undefined }) {
  const { config } = useProject();
  const { created_at } = item;
  if (!created_at) return author ? <p class="byline">{author}</p> : null;
  return (
    <p class="byline">
      {author && <span>{author}</span>}
      <time dateTime={created_at} title={new Date(created_at).toLocaleString("en")}>
        {sayAge(nowOf(config) - Date.parse(created_at))}
      </time>
    </p>
  );
}

/** New, or how many places up or down, beside a post. */
function ChangeBadge({ change: { from, to } }: { change: Change }) {
  if (to === undefined) return null;
  if (from === undefined) return <span class="badge new">New here</span>;
  const by = Math.abs(from - to);
  return (
    <span class={`badge ${to < from ? "up" : "down"}`}>
      <span aria-hidden="true">{to < from ? "▲" : "▼"}</span> {by}
      <span class="hidden">
        {by === 1 ? "place" : "places"} {to < from ? "up" : "down"}
      </span>
    </span>
  );
}

interface DismissedPostProps {
  title: string;
  undo(): void;
}

/** What is left of a post that was dismissed. */
function DismissedPost({ title, undo }: DismissedPostProps) {
  return (
    <div class="row spread">
      <p>
        <strong>Dismissed:</strong> {title}
      </p>
      <button type="button" onClick={undo}>
        Undo
        <span class="hidden">that you dismissed {title}</span>
      </button>
    </div>
  );
}
