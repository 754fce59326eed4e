import type { NewPostsRequest, Recsys } from "./index.ts";
import { isPageVisible } from "./page.ts";
import type { NewPosts } from "./types.ts";

const everyMilliseconds = 60_000;

/**
 * Tells how many posts are new, each minute while the page is looked at, and when its reader comes back to it, until there are more than are counted
 * or what it returns is called. What cannot be asked just now is asked the next time.
 */
export function pollNewPosts(
  recommender: Pick<Recsys, "newPosts">,
  request: NewPostsRequest,
  tell: (news: NewPosts) => void,
): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  let [asked, told] = [0, 0];
  async function look() {
    if (!isPageVisible()) return;
    const number = ++asked;
    const news = await recommender.newPosts(request, { signal }).catch(() => undefined);
    // an answer that a later one overtook knows less
    if (news === undefined || signal.aborted || number < told) return;
    told = number;
    tell(news);
    if (news.has_more) end();
  }
  const timer = setInterval(look, everyMilliseconds);
  function end() {
    clearInterval(timer);
    ended.abort();
  }
  if (typeof document !== "undefined") document.addEventListener("visibilitychange", look, { signal });
  return end;
}
