import type { FeedOf } from "../use-feed.ts";

/** A tag, which shows the feed of it alone, or all of it again. */
export function TagChip({ tag, feed }: { tag: string; feed: FeedOf }) {
  const isOnly = feed.tag === tag;
  return (
    <button
      type="button"
      class="chip"
      dir="auto"
      aria-pressed={isOnly}
      onClick={() => feed.only(isOnly ? undefined : tag)}
    >
      <span class="hidden">Only posts about</span> {tag}
    </button>
  );
}
