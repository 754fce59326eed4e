import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { Failed } from "../failed.tsx";
import { VoteButton } from "../posts/post-acts.tsx";
import { type Post, readLatestVotes, readPosts } from "../posts/read-posts.ts";
import type { FeedOf } from "../use-feed.ts";

const pageSize = 20;

/** What somebody voted for, the latest first. A post that was voted for has left the feed, so its vote is taken back here. */
export function VoteList({ feed }: { feed: FeedOf }) {
  const { supabase } = useProject();
  const [limit, setLimit] = useState(pageSize);
  const [shown, setShown] = useState<Post[]>([]);
  // what is on its way comes into the list once it is stored
  const isSettled = feed.pending.length === 0;
  const votes = useLoaded(async () => {
    const { ids, isAll } = await readLatestVotes(supabase, limit);
    const had = new Set(shown.map(({ id }) => id));
    const posts = await readPosts(
      supabase,
      ids.filter((id) => !had.has(id)),
      { names: false },
    );
    // a vote that was taken back stays where it is, to be cast again; newer ones come above, earlier ones below
    const first = ids.findIndex((id) => had.has(id));
    const added = (some: string[]) => some.flatMap((id) => posts.get(id) ?? []);
    setShown([...added(ids.slice(0, Math.max(first, 0))), ...shown, ...added(ids.slice(Math.max(first, 0)))]);
    return { isAll };
  }, [supabase, limit, isSettled]);

  return (
    <section class="card stack" aria-labelledby="votes">
      <h2 id="votes">Voted for</h2>
      {votes.error !== undefined && <Trouble error={votes.error} again={votes.again} />}
      {votes.value && shown.length === 0 && <p class="soft">Nothing yet.</p>}
      <ul class="votes">
        {shown.map(({ id: post_id, title }) => (
          <li key={post_id} class="stack">
            <div class="row spread one-line">
              <span dir="auto">{title}</span>
              <VoteButton feed={feed} post={{ post_id, title }} otherwise={true} />
            </div>
            <Failed feed={feed} place={post_id} />
          </li>
        ))}
      </ul>
      {votes.value && !votes.value.isAll && (
        <button type="button" onClick={() => setLimit(limit + pageSize)}>
          Earlier votes
        </button>
      )}
    </section>
  );
}
