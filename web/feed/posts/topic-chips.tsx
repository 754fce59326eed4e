import type { Item } from "../item.ts";
import type { FeedOf } from "../use-feed.ts";
import { TagChip } from "./tag-chip.tsx";

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
