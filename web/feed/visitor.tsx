import { useStored } from "../shared/stored.ts";
import { useRoute } from "../shared/use-route.ts";
import { FeedView } from "./feed-view.tsx";
import { Frame } from "./frame.tsx";
import { Interests } from "./interests.tsx";
import { ChoosePerson } from "./people/choose-person.tsx";
import { newPasswordRoute } from "./people/sign-in.ts";
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
