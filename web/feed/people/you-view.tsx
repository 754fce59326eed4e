import { useState } from "preact/hooks";
import { Heading } from "../../shared/heading.tsx";
import { Trouble } from "../../shared/trouble.tsx";
import type { Loaded } from "../../shared/use-loaded.ts";
import type { FeedOf } from "../use-feed.ts";
import { Leave } from "./leave.tsx";
import { MuteList } from "./mute-list.tsx";
import { nameOf, type Profile } from "./profile.ts";
import { ProfileForm } from "./profile-form.tsx";
import { VoteList } from "./vote-list.tsx";

interface YouViewProps {
  userId: string;
  profile: Loaded<Profile | null>;
  feed: FeedOf;
}

/** Profile, mutes, votes, and the way out. */
export function YouView({ userId, profile, feed }: YouViewProps) {
  const [isSaved, setSaved] = useState(false);
  const { value, error, again } = profile;
  return (
    <div class="narrow stack">
      <Heading text={value ? nameOf(value) : "You"} />
      {error !== undefined && <Trouble error={error} again={again} />}
      {value && (
        <ProfileForm
          key={userId}
          userId={userId}
          before={value}
          onSaved={() => {
            setSaved(true);
            feed.act({ kind: "profile" });
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
      <MuteList userId={userId} feed={feed} />
      <VoteList feed={feed} />
      <Leave />
    </div>
  );
}
