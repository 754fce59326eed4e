import { Heading } from "../shared/heading.tsx";
import { useProject } from "../shared/project.ts";
import { useStored } from "../shared/stored.ts";
import { useRoute } from "../shared/use-route.ts";
import { FeedView } from "./feed-view.tsx";
import { Frame } from "./frame.tsx";
import { Interests } from "./interests.tsx";
import { LocalMembers } from "./people/local-members.tsx";
import { newPasswordRoute } from "./people/sign-in.ts";
import { SignInForm } from "./people/sign-in-form.tsx";
import { useFeed } from "./use-feed.ts";

/** What somebody sees who has not signed in: a feed by the interests they pick, which stay in their browser. */
export function Visitor() {
  const [route, failed] = useRoute().split("/");
  // a new password takes somebody who is signed in
  const signsIn = route === "people" || route === newPasswordRoute;
  const [interests, setInterests] = useStored<string[]>("interests", []);
  const feed = useFeed({ interests });
  return (
    <Frame
      route={signsIn ? "people" : "feed"}
      links={[
        ["feed", "Feed"],
        ["people", "Sign in"],
      ]}
    >
      {signsIn ? (
        <ChoosePerson failed={failed} />
      ) : (
        <FeedView feed={feed} name="a visitor">
          <Interests chosen={interests} onChange={setInterests} />
        </FeedView>
      )}
    </Frame>
  );
}

/** Who are you? On this machine any member of the community; elsewhere whoever signs in. `failed`: why a link signed nobody in. */
function ChoosePerson({ failed }: { failed?: string | undefined }) {
  const { config } = useProject();
  return (
    <div class="narrow stack">
      <Heading text={config.members ? "Who are you?" : "Sign in"} />
      {config.members ? <LocalMembers /> : <SignInForm failed={failed} />}
    </div>
  );
}
