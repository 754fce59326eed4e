import { Trouble } from "../shared/trouble.tsx";
import { useConnection } from "../shared/use-connection.ts";
import { sayActs } from "./acts.ts";
import type { FeedOf } from "./use-feed.ts";

/** What was done since the feed was made, and the way to see what moves. It stays in view, so it also says what keeps that from working. */
export function PendingBar({ feed: { acts, busy, asked, error, refresh, retry } }: { feed: FeedOf }) {
  const { isOnline, unsent } = useConnection();
  if (!isOnline)
    return (
      <div class="pending" role="status">
        <p>
          <strong>You are offline.</strong> What you do is kept, and sent when you are back
          {unsent.length > 0 && `: ${unsent.length} so far`}.
        </p>
      </div>
    );
  if (error !== undefined && asked === "again")
    return (
      <div class="pending failed">
        <Trouble error={error} again={retry} />
      </div>
    );
  if (acts.length === 0) return null;
  return (
    <div class="pending" role="status">
      <p>Since this feed was made you {sayActs(acts)}.</p>
      <button type="button" class="main" disabled={busy !== undefined} onClick={refresh}>
        Show what moves
      </button>
    </div>
  );
}
