import type { Item } from "../item.ts";
import type { FeedOf } from "../use-feed.ts";

/** As many as stand beside a post's place on a phone. */
const mostTags = 3;

/** What a post is about: its topic, which the recommender found, and its tags, each of which shows the feed of it alone. */
export function TopicChips({ item, feed }: { item: Item; feed: FeedOf }) {
  const label = item.topic?.label;
  return (
    <>
      {label && <span class="chip">{label}</span>}
      {item.tags.slice(0, mostTags).map((tag) => (
        <button
          type="button"
          class="chip"
          key={tag}
          dir="auto"
          aria-pressed={feed.tag === tag}
          onClick={() => feed.only(feed.tag === tag ? undefined : tag)}
        >
          <span class="hidden">Only posts about</span> {tag}
        </button>
      ))}
    </>
  );
}
