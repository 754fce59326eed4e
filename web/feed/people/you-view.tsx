import { useState } from "preact/hooks";
import { Button, Heading, Trouble } from "../../shared/elements.tsx";
import { goFromHere, type Loaded, useLoaded } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type AppPost, type AppProfile, personName, readLatestVotes, readShownPosts } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import { VoteButton } from "../posts/post-acts.tsx";
import { useTheFeed } from "../use-feed.ts";
import { ChoiceList } from "./choice-list.tsx";
import { Preferences } from "./preferences.tsx";
import { ProfileForm } from "./profile-form.tsx";
import { newPasswordRoute } from "./sign-in.ts";
import { Suggestions } from "./suggestions.tsx";
import { Withhold } from "./visibility-toggle.tsx";

interface YouViewProps {
  userId: string;
  profile: Loaded<AppProfile | null>;
}

/** Profile, what their feed is made of, whom and what they might follow, follow and muted, votes, and the way out. */
export function YouView({ userId, profile }: YouViewProps) {
  const { act } = useTheFeed();
  const [isSaved, setSaved] = useState(false);
  const { value, error, again } = profile;
  return (
    <div class="narrow stack">
      <Heading text={value ? personName(value) : "You"} />
      {error !== undefined && <Trouble error={error} again={again} />}
      {value && (
        <ProfileForm
          key={userId}
          userId={userId}
          before={value}
          onSaved={() => {
            setSaved(true);
            act({ kind: "profile" });
            again();
          }}
        />
      )}
      <p role="status">
        {isSaved && (
          <>
            Saved. <a href="#feed">See what moves in your feed</a>
          </>
        )}
      </p>
      <Preferences />
      <section class="card" aria-label="What you write">
        <Withhold userId={userId} postId={null} text="Recommend what I write only to people who follow me" />
      </section>
      <Suggestions />
      <ChoiceList verb="follow" />
      <ChoiceList verb="mute" />
      <VoteList />
      <Leave />
    </div>
  );
}

const pageSize = 20;

/**
 * The posts that a user voted for, the latest first. A post with a vote has left the feed, so its vote is taken back
 * here.
 */
function VoteList() {
  const { supabase } = useProject();
  const { pending } = useTheFeed();
  const [limit, setLimit] = useState(pageSize);
  const [shown, setShown] = useState<AppPost[]>([]);
  // what is on its way comes into the list once it is stored
  const isSettled = pending.length === 0;
  const votes = useLoaded(async () => {
    const { ids, isAll } = await readLatestVotes(supabase, limit);
    const had = new Set(shown.map(({ id }) => id));
    const posts = await readShownPosts(
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
      <ul class="list">
        {shown.map(({ id: post_id, title }) => (
          <li key={post_id} class="stack">
            <div class="row spread one-line">
              <span dir="auto">{title}</span>
              <VoteButton post={{ post_id, title }} otherwise={true} />
            </div>
            <Failed place={post_id} />
          </li>
        ))}
      </ul>
      {votes.value && !votes.value.isAll && <Button onClick={() => setLimit(limit + pageSize)}>Earlier votes</Button>}
    </section>
  );
}

/**
 * The way out: to another person, where one may choose, or to no user; and where people have passwords, to a new
 * one.
 */
export function Leave() {
  const { supabase, config } = useProject();
  async function leave(route: string): Promise<void> {
    const goOn = goFromHere();
    // on this device alone; should Auth not answer, the page forgets the session all the same
    await supabase.auth.signOut({ scope: "local" });
    goOn(route);
  }
  return (
    <div class="row">
      {config.members && <Button onClick={() => leave("people")}>Be somebody else</Button>}
      <Button onClick={() => leave("feed")}>Sign out</Button>
      {!config.members && <a href={`#${newPasswordRoute}`}>Set a new password</a>}
    </div>
  );
}
