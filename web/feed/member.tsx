import { Heading } from "../shared/heading.tsx";
import { useProject } from "../shared/project.ts";
import { useLoaded } from "../shared/use-loaded.ts";
import { go, useRoute } from "../shared/use-route.ts";
import type { SignedIn } from "../shared/use-session.ts";
import { FeedView } from "./feed-view.tsx";
import { Frame } from "./frame.tsx";
import { IdeasView } from "./ideas/ideas-view.tsx";
import { Leave } from "./people/leave.tsx";
import { SignedInAlready } from "./people/link-failed.tsx";
import { NewPassword } from "./people/new-password.tsx";
import { nameOf, readProfile } from "./people/profile.ts";
import { ProfileForm } from "./people/profile-form.tsx";
import { newPasswordRoute } from "./people/sign-in.ts";
import { YouView } from "./people/you-view.tsx";
import { useFeed } from "./use-feed.ts";
import { WriteView } from "./write/write-view.tsx";

/** All that somebody who is signed in sees. Their feed stays while they look at the other views. */
export function Member({ userId }: SignedIn) {
  const { supabase } = useProject();
  const [route, failed] = useRoute().split("/");
  const feed = useFeed({ userId });
  const profile = useLoaded(() => readProfile(supabase, userId), [userId]);
  const name = profile.value ? nameOf(profile.value) : "You";

  if (profile.value === null && route !== newPasswordRoute)
    return (
      <Frame route="" links={[]}>
        <div class="narrow stack">
          <Heading text="Welcome" />
          <p class="soft">Say what you care about, and your first feed is about that already.</p>
          <ProfileForm
            userId={userId}
            before={null}
            onSaved={() => {
              profile.again();
              feed.refresh();
              go("feed");
            }}
          />
          <Leave />
        </div>
      </Frame>
    );

  const views: Record<string, () => preact.JSX.Element> = {
    feed: () => <FeedView feed={feed} userId={userId} name={name} />,
    write: () => <WriteView userId={userId} />,
    ideas: () => <IdeasView />,
    you: () => <YouView userId={userId} profile={profile} feed={feed} />,
    [newPasswordRoute]: () => <NewPassword />,
    // the link of an e-mail, of whoever was signed in here already
    ...(failed && { people: () => <SignedInAlready name={name} failed={failed} /> }),
  };
  const links: [string, string][] = [
    ["feed", "Feed"],
    ["write", "Write"],
    ["ideas", "Ideas"],
    ["you", name],
  ];
  const shown = Object.hasOwn(views, route) ? route : "feed";
  return (
    <Frame route={shown} links={links}>
      {views[shown]()}
    </Frame>
  );
}
