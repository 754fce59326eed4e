import { useEffect, useState } from "preact/hooks";
import type { NewPosts as News } from "../../client/src/index.ts";
import { pollNewPosts } from "../../client/src/new-posts.ts";
import { Button } from "../shared/elements.tsx";
import { useProject } from "../shared/project.ts";
import { useTheFeed } from "./use-feed.ts";

/** Says how many posts were written since the feed was made, and asks for another feed when that is pressed. */
export function NewPostsButton() {
  const { recommender } = useProject();
  const { feed, tag, busy, refresh } = useTheFeed();
  const [news, setNews] = useState<News>();
  const count_since = feed?.made_at;
  useEffect(() => {
    setNews(undefined);
    if (count_since === undefined) return undefined;
    return pollNewPosts(recommender, { count_since, ...(tag !== undefined && { filter: { tags: [tag] } }) }, setNews);
  }, [recommender, count_since, tag]);
  const count = news?.new_posts ?? 0;
  const load = () => {
    scrollTo(0, 0);
    return refresh();
  };
  return (
    <p class="centred" role="status">
      {count > 0 && (
        <Button disabled={busy !== undefined} onClick={load}>
          {`${count}${news?.has_more ? "+" : ""} new ${count === 1 ? "post" : "posts"}`}
        </Button>
      )}
    </p>
  );
}
