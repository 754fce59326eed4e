import { Button, FactList } from "../shared/elements.tsx";
import { useProject } from "../shared/project.ts";
import { Failed } from "./failed.tsx";
import { useTheFeed } from "./use-feed.ts";

const bases = {
  history: "What you did: posts you opened, voted for and commented on",
  profile: "Your profile: what you say you care about",
  followees: "People you follow: what they read and wrote lately",
  community: "What is fresh and popular here",
  follows: "People and topics you follow, the newest first",
};

const degraded = {
  unranked: "These posts are in the order in which they are popular here: yours could not be worked out just now.",
  batch: "This list was made for you earlier: a new one could not be made just now.",
  community: "These posts are fresh and popular here: a feed of your own could not be made just now.",
};

/** What a feed is made from, shown next to it; and the way to posts that were not shown yet. */
export function AboutFeed({ name }: { name: string }) {
  const { feed: shown, took, userId } = useTheFeed();
  if (!shown) return <aside />;
  return (
    <aside class="about">
      <section class="card stack" aria-labelledby="about">
        <h2 id="about">About this feed</h2>
        <FactList
          class="facts"
          facts={[
            ["For", name],
            ["Made from", bases[shown.basis]],
            ["Ranked by", shown.model?.name ?? (shown.basis === "follows" ? "time" : "no model yet")],
            ["Answered in", `${Math.round(took ?? 0)} ms`],
          ]}
        />
        {shown.degraded && <p class="boxed warn">{degraded[shown.degraded]}</p>}
        {userId ? <LeaveBehind /> : <a href="#people">Sign in to vote, comment and write</a>}
      </section>
    </aside>
  );
}

/** Marks what was shown as seen, so that it stays away for 30 days, and asks for the feed again. */
function LeaveBehind() {
  const { recommender } = useProject();
  const { items, pending, busy, act, refresh } = useTheFeed();
  async function leave(): Promise<void> {
    const seen = items.map(({ post_id, title, request_id }) => ({ kind: "seen" as const, post_id, title, request_id }));
    const stored = act(...seen);
    // at once: it would wait for more of the kind
    recommender.flush();
    if (await stored) await refresh();
  }
  return (
    <>
      <Button
        disabled={busy !== undefined || items.length === 0 || pending.some(({ kind }) => kind === "seen")}
        onClick={leave}
      >
        Seen: show me others
      </Button>
      <Failed place="seen" />
    </>
  );
}
