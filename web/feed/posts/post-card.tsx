import { useLayoutEffect, useRef } from "preact/hooks";
import type { Predictions } from "../../../client/src/index.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { colourOf } from "../../shared/act-colours.tsx";
import { Button } from "../../shared/elements.tsx";
import { dismissalOf } from "../actions.ts";
import type { AppPost, Item } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import type { FeedChange } from "../feed-changes.ts";
import { sayWhy } from "../format.ts";
import { useTheFeed } from "../use-feed.ts";
import { Byline } from "./byline.tsx";
import { Comments } from "./comments.tsx";
import { PostActs, UndoDismissal } from "./post-acts.tsx";

interface PostCardProps {
  item: Item;
  /** Undefined: it kept its place. */
  change: FeedChange | undefined;
}

/** A post of the feed: why it is there, what its reader is expected to do, and what they can do. */
export function PostCard({ item, change }: PostCardProps) {
  const { post_id, title } = item;
  const { userId, posts, names, opened, marks, moved, act, toggle } = useTheFeed();
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
      <li class="card stack post dismissed" id={post_id} ref={card}>
        <div class="row spread">
          <p>
            <strong>Dismissed:</strong> <bdi>{title}</bdi>
          </p>
          <UndoDismissal post_id={post_id} title={title} />
        </div>
        <Failed place={post_id} />
      </li>
    );
  return (
    <li class="card stack post" id={post_id} ref={card} data-moved={change && !isFirstFeed ? "" : undefined}>
      <p class="row small">
        <span class="place">{item.position}</span>
        <TopicChips item={item} />
        {!isFirstFeed && change && <ChangeBadge change={change} />}
      </p>
      <h2>
        <Button class="plain title" dir="auto" aria-expanded={isOpen} onClick={open}>
          {title}
        </Button>
      </h2>
      <Byline author={post?.author} created_at={item.created_at} />
      {!isOpen && item.excerpt && (
        <p class="excerpt" dir="auto">
          {item.excerpt}
        </p>
      )}
      <p class="soft">
        {item.promoted !== undefined && (
          <>
            <strong dir="auto">{item.promoted}</strong>
            {" · "}
          </>
        )}
        {sayWhy(item.why, item.basis, names)}
        {item.folded !== undefined && ` · and ${item.folded} like it`}
      </p>
      <PredictedReactions predictions={item.predictions} isExplained={item.position === 1} />
      {userId && <PostActs item={item} isOpen={isOpen} open={open} />}
      <Failed place={post_id} />
      {isOpen && <OpenedPost post={post} />}
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

/** New, or how many posts it passed or passed it, next to a post. */
function ChangeBadge({ change: { from, to, by } }: { change: FeedChange }) {
  if (to === undefined) return null;
  if (from === undefined) return <span class="badge small new">New here</span>;
  const places = Math.abs(by);
  return (
    <span class={`badge small ${by > 0 ? "up" : "down"}`}>
      <span aria-hidden="true">{by > 0 ? "▲" : "▼"}</span> {places}{" "}
      <span class="hidden">
        {places === 1 ? "place" : "places"} {by > 0 ? "up" : "down"}
      </span>
    </span>
  );
}

/** The text of a post, who wrote it, and what others wrote below. */
function OpenedPost({ post }: { post: AppPost | undefined }) {
  const { userId } = useTheFeed();
  if (!post) return <p class="opened soft">Its text cannot be read right now.</p>;
  const { description, tags, author, created_at } = post;
  return (
    <div class="opened stack">
      <p class="text" dir="auto">
        {description || <span class="soft">It has no text but its title.</span>}
      </p>
      <p class="row soft">
        <span>
          <bdi>{author}</bdi> · {new Date(created_at).toLocaleDateString("en", { dateStyle: "medium" })}
        </span>
        {tags.map((tag) => (
          <TagChip key={tag} tag={tag} />
        ))}
      </p>
      {userId ? <Comments post={post} /> : <a href="#people">Sign in to vote and comment</a>}
    </div>
  );
}

/** As many as stand next to a post's place on a phone. */
const mostTags = 3;

/** What a post is about: its topic, which the recommender found and no feed can be had of, as text, and its tags, each a feed of its own. */
function TopicChips({ item: { topic, tags } }: { item: Item }) {
  return (
    <>
      {topic && (
        <span class="soft" dir="auto">
          {topic.label}
        </span>
      )}
      {tags.slice(0, mostTags).map((tag) => (
        <TagChip key={tag} tag={tag} />
      ))}
    </>
  );
}

/** A tag, which shows the feed of it alone, or all of it again. */
function TagChip({ tag }: { tag: string }) {
  const { tag: shown, only } = useTheFeed();
  const isOnly = shown === tag;
  return (
    <Button class="chip" dir="auto" aria-pressed={isOnly} onClick={() => only(isOnly ? undefined : tag)}>
      <span class="hidden">Only posts about</span> {tag}
    </Button>
  );
}

/** How a card calls them. */
const reactions = { view: "open", vote: "vote", comment: "comment" } as const;

interface PredictedReactionsProps {
  predictions: Predictions | null;
  /** Whether it says what the figures are: once on a page. */
  isExplained: boolean;
}

/** How likely the reader opens a post, votes for it and comments on it, as the model has it. */
export function PredictedReactions({ predictions, isExplained }: PredictedReactionsProps) {
  if (!predictions) return <p class="soft">Not predicted for this one.</p>;
  return (
    <>
      {isExplained && <p class="hint">How likely it is that you</p>}
      <dl class="predicted" aria-label="How likely it is that you">
        {kinds.map((kind) => (
          <div key={kind}>
            <dt>{reactions[kind]}</dt>
            <dd>
              {percent(predictions[kind])}
              <i aria-hidden="true" style={{ width: `${100 * predictions[kind]}%`, background: colourOf(kind) }} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)}%`;
}
