import type { Item } from "../item.ts";
import type { FeedOf } from "../use-feed.ts";

/** As many as stand beside a post's place on a phone. */
const mostTags = 3;

/** What a post is about: its topic, which the recommender found and no feed can be had of, as text, and its tags, each a feed of its own. */
export function TopicChips({ item: { topic, tags }, feed }: { item: Item; feed: FeedOf }) {
  return (
    <>
      {topic && <span class="soft">{topic.label}</span>}
      {tags.slice(0, mostTags).map((tag) => (
        <TagChip key={tag} tag={tag} feed={feed} />
      ))}
    </>
  );
}

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
