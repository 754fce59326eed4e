import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { Failed } from "../failed.tsx";
import { readPosts } from "../posts/read-posts.ts";
import { readLatestVotes } from "../posts/read-votes.ts";
import { VoteButton } from "../posts/vote-button.tsx";
import type { FeedOf } from "../use-feed.ts";

const pageSize = 20;

/** What somebody voted for, the latest first. A post that was voted for has left the feed, so its vote is taken back here. */
export function VoteList({ feed }: { feed: FeedOf }) {
  const { supabase } = useProject();
  const [limit, setLimit] = useState(pageSize);
  /** Those that are on their way come into the list once they are stored; those taken back stay, to be cast again. */
  const isSettled = feed.pending.length === 0;
  const [kept, setKept] = useState<string[]>([]);
  const votes = useLoaded(async () => {
    const latest = await readLatestVotes(supabase, limit);
    const ids = [...new Set([...latest, ...kept])];
    const posts = await readPosts(supabase, ids, { names: false });
    setKept(ids);
    return { posts: ids.flatMap((id) => posts.get(id) ?? []), isAll: latest.length < limit };
  }, [supabase, limit, isSettled]);

  return (
    <section class="card stack" aria-labelledby="votes">
      <h2 id="votes">Voted for</h2>
      {votes.error !== undefined && <Trouble error={votes.error} again={votes.again} />}
      {votes.value?.posts.length === 0 && <p class="soft">Nothing yet.</p>}
      <ul class="votes">
        {votes.value?.posts.map(({ id: post_id, title }) => (
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
