import { useEffect, useState } from "react";
import type { Recsys } from "./index.ts";
import { pollNewPosts } from "./new-posts.ts";
import type { Feed, FeedFilter, NewPosts } from "./types.ts";

/** How many posts are new since the feed that is shown, for a button that calls its `reload`; `filter` is that of the feed. */
export function useNewPosts(
  recommender: Recsys,
  feed: Pick<Feed, "made_at"> | undefined,
  filter?: FeedFilter,
): NewPosts {
  const [news, setNews] = useState<NewPosts>(none);
  const count_since = feed?.made_at;
  // objects that say the same are the same filter
  const asked = JSON.stringify(filter);
  useEffect(() => {
    setNews(none);
    if (count_since === undefined) return undefined;
    return pollNewPosts(recommender, { count_since, ...(asked && { filter: JSON.parse(asked) }) }, setNews);
  }, [recommender, count_since, asked]);
  return news;
}

const none: NewPosts = { new_posts: 0, has_more: false };
