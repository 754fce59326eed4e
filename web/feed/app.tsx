import { Heading } from "../shared/elements.tsx";
import { go, type SignedIn, useLoaded, useRoute, useSession, useStored } from "../shared/hooks.ts";
import { useProject } from "../shared/project.ts";
import { personName, readProfile } from "./app-tables.ts";
import { FeedView } from "./feed-view.tsx";
import { IdeasView } from "./ideas/ideas-view.tsx";
import { Interests } from "./interests.tsx";
import { Frame, Skeletons } from "./layout.tsx";
import { LocalMembers } from "./people/local-members.tsx";
import { ProfileForm } from "./people/profile-form.tsx";
import { newPasswordRoute } from "./people/sign-in.ts";
import { NewPassword, SignedInAlready, SignInForm } from "./people/sign-in-form.tsx";
import { Leave, YouView } from "./people/you-view.tsx";
import { FeedProvider, useReaderFeed } from "./use-feed.ts";
import { WriteView } from "./write/write-view.tsx";

/**
 * A visitor's page, or the signed-in user's; each user has a page of their own, so that none of it is shown to the
 * next.
 */
export function FeedApp() {
  const { supabase } = useProject();
  const session = useSession(supabase);
  if (session === undefined) return <Skeletons />;
  return session === null ? <Visitor /> : <Member key={session.userId} {...session} />;
}

/** The page of a visitor: a feed by the interests they pick, which stay in their browser. */
function Visitor() {
  const [route, failed] = useRoute().split("/");
  // a new password takes a signed-in user
  const signsIn = route === "people" || route === newPasswordRoute;
  const [interests, setInterests] = useStored<string[]>("interests", []);
  const feed = useReaderFeed({ interests });
  return (
    <Frame route={signsIn ? "people" : "feed"} links={{ feed: "Feed", people: "Sign in" }}>
      {signsIn ? (
        <ChoosePerson failed={failed} />
      ) : (
        <FeedProvider value={feed}>
          <FeedView name="a visitor">
            <Interests chosen={interests} onChange={setInterests} />
          </FeedView>
        </FeedProvider>
      )}
    </Frame>
  );
}

/**
 * Asks for the user: on this machine any member of the community, elsewhere a sign-in. `failed`: why a link did not
 * sign in.
 */
function ChoosePerson({ failed }: { failed?: string | undefined }) {
  const { config } = useProject();
  return (
    <div class="narrow stack">
      <Heading text={config.members ? "Who are you?" : "Sign in"} />
      {config.members ? <LocalMembers /> : <SignInForm failed={failed} />}
    </div>
  );
}

/** All that a signed-in user sees. Their feed stays while they look at the other views. */
function Member({ userId }: SignedIn) {
  const { supabase } = useProject();
  const [route, failed] = useRoute().split("/");
  const feed = useReaderFeed({ userId });
  const profile = useLoaded(() => readProfile(supabase, userId), [userId]);
  const name = profile.value ? personName(profile.value) : "You";

  if (profile.value === null && route !== newPasswordRoute)
    return (
      <Frame route="" links={{}}>
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
    feed: () => <FeedView name={name} />,
    write: () => <WriteView userId={userId} />,
    ideas: () => <IdeasView />,
    you: () => <YouView userId={userId} profile={profile} />,
    [newPasswordRoute]: () => <NewPassword />,
    // the link of an e-mail, opened by a user who was signed in here already
    ...(failed && { people: () => <SignedInAlready name={name} failed={failed} /> }),
  };
  const shown = Object.hasOwn(views, route) ? route : "feed";
  return (
    <Frame route={shown} links={{ feed: "Feed", write: "Write", ideas: "Ideas", you: name }}>
      <FeedProvider value={feed}>{views[shown]()}</FeedProvider>
    </Frame>
  );
}
