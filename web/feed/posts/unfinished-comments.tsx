import { useEffect, useState } from "preact/hooks";
import type { FeedOf } from "../use-feed.ts";
import { Comments, useCommentDrafts } from "./comments.tsx";

/** Comments that were begun on posts which have left the feed since: who opened a post is not shown it again. */
export function UnfinishedComments({ feed, userId }: { feed: FeedOf; userId: string }) {
  const { drafts, edit, send } = useCommentDrafts(userId, feed);
  const [opened, setOpened] = useState<string>();
  useEffect(() => {
    // on their way when the page ended: whether they are stored is known once they are sent again
    for (const [post_id, draft] of Object.entries(drafts)) if (draft.id) send(post_id, draft);
  }, []);
  const shown = new Set(feed.items.map(({ post_id }) => post_id));
  if (feed.items.length === 0) return null;
  return Object.entries(drafts)
    .filter(([post_id, { id }]) => !shown.has(post_id) && !(id && post_id !== opened))
    .map(([post_id, { title }]) => (
      <section key={post_id} class="card stack" aria-label={`Unfinished comment on ${title}`}>
        <div class="row spread">
          <p>
            You began a comment on <strong dir="auto">{title}</strong>
          </p>
          <div class="row">
            {opened !== post_id && (
              <button type="button" onClick={() => setOpened(post_id)}>
                Go on
              </button>
            )}
            <button type="button" onClick={() => edit(post_id, null)}>
              Discard
            </button>
          </div>
        </div>
        {opened === post_id && <Comments post={{ id: post_id, title }} feed={feed} userId={userId} />}
      </section>
    ));
}
