import { useEffect, useState } from "preact/hooks";
import type { ConnectionState } from "../../client/src/index.ts";
import { Button, Trouble } from "../shared/elements.tsx";
import { useProject } from "../shared/project.ts";
import { countActs, sayActs } from "./actions.ts";
import { useTheFeed } from "./use-feed.ts";

/** What was done since the feed was made, and the way to see what moves. It stays in view, so it also says what keeps that from working; on a phone in one row. */
export function PendingBar() {
  const { userId, feed: shown, acts, busy, asked, error, refresh, retry } = useTheFeed();
  const { isOnline, unsent } = useConnection();
  if (!isOnline)
    return (
      <div class="pending" role="status">
        <p>
          <strong>You are offline.</strong>
          {userId && (
            <>
              {" "}
              What you do is kept
              <span class="roomy">, and sent when you are back</span>
              {unsent.length > 0 && `: ${unsent.length} so far`}.
            </>
          )}
        </p>
      </div>
    );
  // of the first feed and of the next page it is said where they would be
  if (error !== undefined && shown && asked !== "more")
    return (
      <div class="pending failed">
        <Trouble error={error} again={retry} />
      </div>
    );
  if (acts.length === 0) return null;
  const count = countActs(acts);
  return (
    <div class="pending" role="status">
      <p>
        <span class="roomy">Since this feed was made you {sayActs(acts)}.</span>
        <span class="brief" aria-hidden="true">
          {count} {count === 1 ? "thing" : "things"} done
        </span>
      </p>
      <Button class="main" disabled={busy !== undefined} onClick={refresh}>
        Show what moves
      </Button>
    </div>
  );
}

/** Whether there is a network, and what was done and waits for one. */
function useConnection(): ConnectionState {
  const { recommender } = useProject();
  const [connection, setConnection] = useState<ConnectionState>({ isOnline: navigator.onLine, unsent: [] });
  useEffect(() => recommender.watch(setConnection), [recommender]);
  return connection;
}
